/* A mr_address seen from inside. Constant once it is made.
 *
 * Must not know: sockets, names.
 */
#ifndef MRI_IO_ADDRESS_H
#define MRI_IO_ADDRESS_H

#include "base/compiler.h"
#include <millrace/net.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

typedef struct mri_address {
    socklen_t size; /* of what follows; 0: nothing is known */
    union {
        struct sockaddr any;
        struct sockaddr_in ipv4;
        struct sockaddr_in6 ipv6;
        struct sockaddr_un unix_;
    };
} mri_address;

MRI_STATIC_ASSERT(sizeof(mri_address) <= sizeof(mr_address),
                  "mr_address has room");

/* What the kernel is to fill in, size being the room there is. */
MRI_INLINE void mri_address_room(mri_address *a)
{
    *a = (mri_address){.size = sizeof *a - offsetof(mri_address, any)};
}

MRI_INLINE const mri_address *mri_address_in(const mr_address *a)
{
    return (const mri_address *)(const void *)a;
}

/* What the kernel has filled in; an address of IPv4 that it tells as one of
 * IPv6, as sockets for both do, is one of IPv4. */
void mri_address_out(mr_address *out, const mri_address *a);

/* Every address of this family, and the port. */
void mri_address_every(mr_address *out, enum mr_family family, unsigned port);

#endif
