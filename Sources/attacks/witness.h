#ifndef WITNESS_H
#define WITNESS_H

// A process outside the sandbox that has what a job must not reach.
int witness(void);

#endif
