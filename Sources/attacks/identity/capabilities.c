#include "attack.h"

#include <linux/capability.h>

static void run(void) {
    static const char *const sets[] = {"CapInh", "CapPrm", "CapEff", "CapAmb"};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        const char *value = status_field(sets[i]);
        if (strspn(value, "0") != strlen(value)) escaped("%s is %s", sets[i], value);
    }
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct all[2] = {{~0u, ~0u, ~0u}, {~0u, ~0u, ~0u}};
    if (syscall(SYS_capset, &header, all) == 0) escaped("capset raised capabilities");
    contained("every set is empty, and capset answers %s", error_name(errno));
}

ATTACK(.group = "identity", .what = "use or raise a capability", .mode = ALONE, .run = run)
