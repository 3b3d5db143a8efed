/* What looking up names asks of libuv that can fail, each returning its
 * negative code; the seam of tests, as os/sys.h.
 */
#ifndef MRI_IO_CALL_NAME_H
#define MRI_IO_CALL_NAME_H

#include "os/sys.h"

#include <uv.h>

MRI_INLINE int mri_call_getaddrinfo(uv_loop_t *loop, uv_getaddrinfo_t *request,
                                    uv_getaddrinfo_cb called, const char *name,
                                    const char *service,
                                    const struct addrinfo *hints)
{
    int fault = mri_fault("uv_getaddrinfo");
    return fault ? -fault
                 : uv_getaddrinfo(loop, request, called, name, service, hints);
}

MRI_INLINE int mri_call_getnameinfo(uv_loop_t *loop, uv_getnameinfo_t *request,
                                    uv_getnameinfo_cb called,
                                    const struct sockaddr *address, int flags)
{
    int fault = mri_fault("uv_getnameinfo");
    return fault ? -fault
                 : uv_getnameinfo(loop, request, called, address, flags);
}

#endif
