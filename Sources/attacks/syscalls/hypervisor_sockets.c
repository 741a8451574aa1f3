#include "attack.h"

#include <linux/vm_sockets.h>

static void run(void) {
    int fd = socket(AF_VSOCK, SOCK_STREAM, 0);
    if (fd >= 0) {
        struct sockaddr_vm address = {.svm_family = AF_VSOCK, .svm_port = 22, .svm_cid = VMADDR_CID_HOST};
        int connected = connect(fd, (struct sockaddr *)&address, sizeof address);
        escaped("an AF_VSOCK socket is open, and connecting to the hypervisor answers %s",
                connected == 0 ? "success" : error_name(errno));
    }
    contained("socket(AF_VSOCK) answers %s", error_name(errno));
}

ATTACK(.group = "syscalls", .what = "reach the hypervisor or another guest by AF_VSOCK", .mode = ALONE, .run = run)
