/* The network: TCP, unix sockets, UDP, addresses, names.
 *
 *     mr_handle listener = mr_tcp_listen("127.0.0.1", 8080, 0, 0);
 *     for (mr_handle peer; (peer = mr_accept(listener)) >= 0;)
 *         mr_scope_go(&scope, serve, &peer, sizeof peer);
 *
 * What is opened here are handles of millrace/io.h, whose rules hold: who may
 * use them, MR_EBADF, MR_EPERM, points of cancellation. */
#ifndef MILLRACE_NET_H
#define MILLRACE_NET_H

#include <millrace/export.h>
#include <millrace/io.h>

#include <stddef.h>
#include <stdint.h>

MR_BEGIN_DECLS

/* ---- Addresses: these work everywhere, and wait for nothing ------------- */

/* The caller's storage; may be copied. */
typedef struct mr_address {
    uint64_t opaque[16];
} mr_address;

enum mr_family {
    MR_NO_FAMILY, /* nothing: of a unix socket that has no name */
    MR_UNIX,
    MR_IPV4,
    MR_IPV6
};

/* Room for any address as a text, its end included. */
#define MR_ADDRESS_TEXT 128

/* From "192.0.2.1", "2001:db8::1" or "fe80::1%eth0"; no names. 0; MR_EINVAL for
 * another text, or a port above 65535; MR_ENODEV for an interface that is not
 * there. Any thread. */
MR_API int mr_address_ip(mr_address *out, const char *text, unsigned port);

/* Of a unix socket: the path of a file, or "@name", in Linux's abstract space.
 * 0; MR_EINVAL for ""; MR_ENAMETOOLONG above 107 bytes. Any thread. */
MR_API int mr_address_unix(mr_address *out, const char *path);

/* "192.0.2.1:80", "[2001:db8::1]:80", a path, "@name" (an '@' for each zero in
 * it), or "" for none. How long it is; or MR_EOVERFLOW where `size` has no room
 * for it and its end. Any thread. */
MR_API int mr_address_text(const mr_address *address, char *out, size_t size);

/* What kind of address it is. Any thread. */
MR_API enum mr_family mr_address_family(const mr_address *address);

/* The port of one of IPv4 or IPv6; 0 for another. Any thread. */
MR_API unsigned mr_address_port(const mr_address *address);

/* ---- Names -------------------------------------------------------------- */

/* What an address is wanted for, and which: of one family alone; its service is
 * one of UDP, not of TCP. */
enum { MR_ONLY_IPV4 = 1, MR_ONLY_IPV6 = 2, MR_FOR_UDP = 4 };

/* The addresses of a host, by its name or as a text, as the system's resolver
 * has them (getaddrinfo: /etc/hosts, DNS), in its order: which to try first.
 * `service` is a port, "80", or the name of one, "http", or NULL, port 0. How
 * many are in out now, 1 to `most`; of more than that the first. Or
 *   MR_EAI_NONAME                    nobody has this name, or it is none
 *   MR_EAI_AGAIN                     the resolver got no answer; later maybe
 *   MR_EAI_FAIL                      it got one that is no use
 *   MR_EAI_NODATA, MR_EAI_ADDRFAMILY there is the name, with no (such) address
 *   MR_EAI_SERVICE                   there is no service of this name
 *   MR_EINVAL                        for flags that exclude each other, a port
 *                                    above 65535, a most of 0, no UTF-8
 *   MR_ENAMETOOLONG                  above 255 bytes; a character beyond ASCII
 *                                    counts for 10, the first of a label for 15
 *   MR_ENODEV                        as mr_address_ip
 * or what the resolver was refused, MR_EMFILE, MR_ENOMEM, MR_EAI_MEMORY, ..., a
 * code of mr_loop_call included; MR_ECANCELED; MR_EPERM outside of tasks. Then
 * nothing was written.
 *
 * An address as a text, with a port, is told at once. Else it waits, and is
 * left at once where the task's scope is cut short, however long the resolver
 * takes, which nothing stops: it goes on alone, in memory of its own, and
 * mr_stop waits for it, at most until its deadline, and exit(), as libuv's
 * clean-up does, until the resolver has answered or given up. It runs on
 * libuv's threads, which are the process's: by default two names are looked up
 * at a time (UV_THREADPOOL_SIZE / 2), and the rest wait for those, which a
 * server that does not answer may keep for seconds. */
MR_API int mr_resolve(const char *name, const char *service, unsigned flags,
                      mr_address *out, size_t most);

/* The name of an address of IPv4 or IPv6, and of its port, or the port as a
 * text where it has none: ends with a zero. Either may be NULL: is not asked
 * for. 0; MR_EAI_NONAME: the address has no name; MR_EAI_OVERFLOW: there is no
 * room for one of them, and neither was written (1025 and 32 bytes are enough);
 * MR_EINVAL for another address, or where both are NULL; or as mr_resolve.
 * Waits as that does. */
MR_API int mr_resolve_address(const mr_address *address, char *host,
                              size_t host_size, char *service,
                              size_t service_size);

/* ---- Listening ---------------------------------------------------------- */

enum {
    MR_REUSE_PORT = 1,    /* several sockets share the port, and what arrives */
    MR_REUSE_ADDRESS = 2, /* UDP: several have it; the last, or all those of a
                             group, get what arrives. TCP has it always */
    MR_BOTH_FAMILIES = 4  /* IPv6's "::" stands for IPv4's addresses too */
};

/* Listen on a numeric address; NULL: on all there are, of both families. Port
 * 0: one that is free, see mr_local_address. At most `backlog` peers, or 4096
 * for 0, or what the system allows, wait to be accepted. To be closed; or
 * MR_EADDRINUSE, MR_EADDRNOTAVAIL, MR_EACCES, MR_EAFNOSUPPORT, MR_EINVAL,
 * MR_EMFILE, MR_ENFILE, MR_ENOBUFS, MR_ENOMEM. Does not wait. */
MR_API mr_handle mr_tcp_listen(const char *host, unsigned port, int backlog,
                               unsigned flags);

/* The same on a unix socket, as mr_address_unix. MR_EADDRINUSE where there is
 * such a file, that of a program that has ended included; it is not removed,
 * nor is it when the handle is closed. */
MR_API mr_handle mr_unix_listen(const char *path, int backlog);

/* The same on any of these addresses; the codes are those of its kind. */
MR_API mr_handle mr_listen(const mr_address *at, int backlog, unsigned flags);

/* Wait for the next peer: its stream, to be closed. Or a negative code as of
 * mr_read; a listener is waited for by one task at a time, the second gets
 * MR_EBUSY. MR_EMFILE, MR_ENFILE, MR_ENOBUFS, MR_ENOMEM and MR_ENOSPC say that
 * there is nothing left to have it with, after 10 ms, so that who just calls
 * again does not spin. Then the peer waits on, and who calls again may get it;
 * but where it was accepted before memory (MR_ENOMEM), or the right to watch
 * one more descriptor (MR_ENOSPC), turned out to be lacking, it is hung up on.
 * Peers that are gone already are passed over. Who is cut short takes none. */
MR_API mr_handle mr_accept(mr_handle listener);

/* ---- Connecting --------------------------------------------------------- */

/* A stream to a host, by its name or its numeric address. To be closed; or
 * MR_ECONNREFUSED, MR_ETIMEDOUT (the peer does not answer, for minutes),
 * MR_EHOSTUNREACH, MR_ENETUNREACH, MR_EADDRNOTAVAIL, MR_EAFNOSUPPORT,
 * MR_EMFILE, MR_ENFILE, MR_ENOBUFS, MR_ENOMEM, MR_EINVAL, MR_ENODEV; by name, a
 * code of mr_resolve. Waits; where it is cancelled, no socket is left of it
 * (and of the name what mr_resolve says).
 *
 * A numeric address is connected to directly. The addresses of a name, up to
 * 16, are tried as RFC 8305 says (Happy Eyeballs): both families in turns, the
 * next one when one has failed, or after 250 ms at the latest; those before go
 * on, the first that is connected is taken, and the rest are closed. If all
 * fail, the code is that of the first one tried. */
MR_API mr_handle mr_tcp_connect(const char *host, unsigned port);

/* The same to a unix socket, as mr_address_unix. MR_ENOENT, MR_EACCES,
 * MR_ECONNREFUSED: nobody listens there. While as many wait there as may, it
 * tries again every few milliseconds. */
MR_API mr_handle mr_unix_connect(const char *path);

/* The same to any of these addresses. */
MR_API mr_handle mr_connect(const mr_address *to);

/* Two ends of a unix stream socket, both read and written, in this process. 0;
 * or MR_EMFILE, MR_ENFILE, MR_ENOMEM, and nothing was opened. */
MR_API int mr_unix_pair(mr_handle end[2]);

/* ---- Of a socket -------------------------------------------------------- */

/* Its own address, and its peer's; of IPv4 where it comes to that. 0;
 * MR_ENOTCONN; MR_EINVAL for what is no socket. They do not wait, nor do the
 * two below. */
MR_API int mr_local_address(mr_handle socket, mr_address *out);
MR_API int mr_peer_address(mr_handle socket, mr_address *out);

/* 1: what is written is sent at once, as of all TCP streams from mr_accept and
 * mr_tcp_connect; 0: small writes may wait for others. 0; MR_EINVAL for what is
 * no TCP stream. */
MR_API int mr_tcp_nodelay(mr_handle stream, int on);

/* Ask the peer whether it is there when nothing has come for `idle` ns (rounded
 * up to whole seconds, up to 32767), ten times, a second apart; then reads and
 * writes give MR_ETIMEDOUT. 0: do not, as at the beginning. 0; MR_EINVAL for
 * what is no TCP stream, or less than 0. */
MR_API int mr_tcp_keepalive(mr_handle stream, int64_t idle);

/* ---- Datagrams ---------------------------------------------------------- */

/* A UDP socket that has this address; port 0: one that is free. To be closed;
 * or a code as of mr_listen. Does not wait. */
MR_API mr_handle mr_udp_bind(const mr_address *at, unsigned flags);

/* A UDP socket that sends to this address, and receives from no other. To be
 * closed; or a code as of mr_connect. Does not wait. */
MR_API mr_handle mr_udp_connect(const mr_address *to);

/* One datagram, to `to`, or where it is connected to if NULL: `size`, or a
 * negative code, and nothing was sent: MR_EMSGSIZE, MR_EDESTADDRREQ,
 * MR_ECONNREFUSED (of one sent before, where it is connected), ... Waits while
 * there is no room. */
MR_API int64_t mr_udp_send(mr_handle socket, const void *buf, size_t size,
                           const mr_address *to);

/* The next datagram, and in *from, which may be NULL, whose it is. Its length;
 * where that is more than `size`, the rest is gone. 0 is one without content. A
 * negative code as of mr_read, or MR_ECONNREFUSED as above: none was taken. */
MR_API int64_t mr_udp_receive(mr_handle socket, void *buf, size_t size,
                              mr_address *from);

MR_END_DECLS

#endif
