/* Streams that are files, and streams that come in twos.
 *
 * Must not know: who asks.
 */
#ifndef MRI_IO_STREAM_H
#define MRI_IO_STREAM_H

#include "io/handle.h"

#include <sys/uio.h>

/* User, on strand s: a file is read or written once where its position is, with
 * n parts, which are not empty. What is not in the page cache, or finds no room
 * there, is left to a thread that may block; this is not cancelled. How many
 * bytes; or a negative code. */
MRI_CHECKED int64_t mri_plain_read(mri_strand *s, const mri_desc *d,
                                   const struct iovec *part, int n);
MRI_CHECKED int64_t mri_plain_write(mri_strand *s, const mri_desc *d,
                                    const struct iovec *part, int n);

/* On strand s: handles for two descriptors of streams, which belong to them
 * from now on; or a negative code, and both were closed. */
MRI_CHECKED int mri_stream_pair(mri_strand *s, const int fd[2], uint32_t traits,
                                mr_handle out[2]);

#endif
