/* What sockets are told before they are bound or connected.
 *
 * Must not know: what they are for.
 */
#ifndef MRI_IO_OPTION_H
#define MRI_IO_OPTION_H

#include "io/address.h"

/* TCP: 1: what is written is sent at once; 0: small writes may wait. */
MRI_CHECKED int mri_option_nodelay(int fd, int on);

/* With whom it shares what it will be bound to: by `flags`, MR_REUSE_PORT and
 * MR_BOTH_FAMILIES. Not for unix sockets. */
MRI_CHECKED int mri_option_shared(int fd, const mri_address *a, unsigned flags);

#endif
