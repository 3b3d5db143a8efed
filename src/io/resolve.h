/* Names into addresses, for what connects by them. resolve.c has the protocol.
 *
 * Must not know: what is done with the addresses.
 */
#ifndef MRI_IO_RESOLVE_H
#define MRI_IO_RESOLVE_H

#include "sched/strand.h"
#include <millrace/net.h>

/* On strand s: as mr_resolve for TCP, in the order in which they should be
 * tried, by RFC 8305, section 4: that of the resolver, but the families take
 * turns for as long as there are both. A point of cancellation. */
MRI_CHECKED int mri_resolve_in_turns(mri_strand *s, const char *name,
                                     unsigned port, mr_address *out,
                                     size_t most);

#endif
