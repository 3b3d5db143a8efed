/* The standard streams of a child that is to be started.
 *
 * Must not know: how it is started.
 */
#ifndef MRI_IO_PROCESS_STREAMS_H
#define MRI_IO_PROCESS_STREAMS_H

#include "io/handle.h"
#include <millrace/process.h>

typedef struct mri_process_streams {
    int source[3];     /* ours, 3 or more, for the child; -1: what it has */
    mr_handle ours[3]; /* the other ends of pipes; -1 */
} mri_process_streams;

/* On strand s. A negative code: what is there is still to be closed. */
MRI_CHECKED int mri_process_streams_open(mri_strand *s,
                                         const mr_process_io io[3],
                                         mri_process_streams *out);

/* The child has its own now, or there is none. */
void mri_process_streams_close_sources(const mri_process_streams *p);
/* There is no child. */
void mri_process_streams_close_ours(mri_strand *s,
                                    const mri_process_streams *p);

#endif
