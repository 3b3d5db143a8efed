/* The version that is linked, as against the one compiled against. */
#include <millrace/version.h>

const char *mr_version(void)
{
    return MR_VERSION_STRING;
}
