/* What the loop asks of libuv that can fail, each returning its negative code:
 * one seam, as os/sys.h is for the system. (uv_close, prepare and check handles
 * cannot fail, nor can a send to an open handle.)
 */
#ifndef MRI_IO_CALL_LOOP_H
#define MRI_IO_CALL_LOOP_H

#include "os/sys.h"

#include <uv.h>

MRI_INLINE int mri_call_loop_init(uv_loop_t *loop)
{
    int fault = mri_fault("uv_loop_init");
    return fault ? -fault : uv_loop_init(loop);
}

MRI_INLINE int mri_call_async_init(uv_loop_t *loop, uv_async_t *bell,
                                   uv_async_cb called)
{
    int fault = mri_fault("uv_async_init");
    return fault ? -fault : uv_async_init(loop, bell, called);
}

#endif
