/* The version of libuv that is loaded. */
#include "doctor.h"

#include <uv.h>

const char *version_of_libuv(void)
{
    return uv_version_string();
}
