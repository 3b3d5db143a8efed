/* The version of jemalloc that is loaded. */
#include "doctor.h"

#include <jemalloc/jemalloc.h>

const char *version_of_jemalloc(void)
{
    const char *version = NULL;
    size_t size = sizeof version;
    return mallctl("version", &version, &size, NULL, 0) == 0 ? version : NULL;
}
