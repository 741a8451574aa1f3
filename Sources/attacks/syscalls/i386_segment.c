#include "attack.h"

// Code in a 32-bit segment, reached by a far call, with everything below 4 GiB: the kernel sees a program of i386.
extern char segment_start[], segment_end[];
__asm__(
    ".pushsection .rodata\n"
    "segment_start:\n"
    ".code32\n"
    "movl $20, %eax\n"  // getpid
    "int $0x80\n"
    "lret\n"
    ".code64\n"
    "segment_end:\n"
    ".popsection\n");

static long by_far_call(void) {
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (page == MAP_FAILED) return -1;
    memcpy(page, segment_start, (size_t)(segment_end - segment_start));
    struct {
        uint32_t offset;
        uint16_t selector;
    } __attribute__((packed)) target = {(uint32_t)(uintptr_t)page, 0x23};
    char *stack = page + 8192 - 64;
    long result;
    __asm__ volatile(
        "movq %%rsp, %%rbx\n"
        "movq %[stack], %%rsp\n"
        "lcalll *(%[target])\n"
        "movq %%rbx, %%rsp\n"
        : "=a"(result)
        : [stack] "r"(stack), [target] "r"(&target)
        : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
    return (int)result;
}

static void run(void) {
    struct answer answer = try_in_child(by_far_call);
    if (answer.signal == 0) escaped("getpid of i386 answered %ld", answer.result);
    contained("the process ends by %s", answer_text(answer));
}

ATTACK(.group = "syscalls", .what = "make calls from a 32-bit code segment", .mode = ALONE, .run = run)
