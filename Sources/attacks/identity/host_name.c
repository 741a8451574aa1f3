#include "attack.h"

#include <sys/utsname.h>

static void run(void) {
    struct utsname system;
    if (uname(&system) < 0) unjudged("uname: %s", error_name(errno));
    if (strcmp(system.nodename, given("HOSTNAME")) == 0) escaped("the host's name is %s", system.nodename);
    if (sethostname("attacked", 8) == 0) escaped("sethostname succeeded");
    int error = errno;
    if (setdomainname("attacked", 8) == 0) escaped("setdomainname succeeded");
    contained("it sees the name %s, and sethostname answers %s", system.nodename, error_name(error));
}

ATTACK(.group = "identity", .what = "learn or change the host's name", .mode = ALONE, .run = run)
