/* What a C program of somebody else's looks like. */
#include <millrace.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
    if (strcmp(mr_version(), MR_VERSION_STRING) != 0)
        return 1;
    printf("millrace %s: %s, %s\n", mr_version(), mr_error_name(MR_ENOMEM),
           mr_usable_cpus() >= 1 ? "usable CPUs found" : "no CPUs");
    return 0;
}
