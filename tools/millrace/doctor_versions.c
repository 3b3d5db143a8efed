/* Versions of what is loaded, and of the kernel. */
#include "doctor.h"

#include <gnu/libc-version.h>
#include <millrace.h>
#include <sys/utsname.h>

static void add(report *r, const char *key, const char *version)
{
    report_item(r, key, version ? json_string(version) : NULL, "%s",
                version ? version : "not told");
}

void doctor_versions(report *r)
{
    struct utsname name;
    report_section(r, "versions");
    add(r, "millrace", mr_version());
    add(r, "libuv", version_of_libuv());
    add(r, "jemalloc", version_of_jemalloc());
    report_means(r, "Allocates for this command and the benchmarks; a program "
                    "that links Millrace keeps its own allocator.");
    add(r, "libc", gnu_get_libc_version());
    if (uname(&name) != 0)
        return;
    add(r, "kernel", name.release);
    add(r, "machine", name.machine);
}
