/* Error codes, their names and texts.
 *
 * Every function of this library that can fail returns a negative code from
 * this table. The numbers are those of libuv on Linux (negated errno where
 * there is one), so that a code handed through from libuv or from the kernel
 * keeps its meaning. They never change.
 */
#ifndef MILLRACE_ERROR_H
#define MILLRACE_ERROR_H

#include <millrace/export.h>
#include <stdint.h>

/* X(name, number, text) */
/* clang-format off */
#define MR_ERROR_MAP(X)                                                        \
    X(MR_E2BIG, -7, "argument list or message too large")                      \
    X(MR_EACCES, -13, "permission denied")                                     \
    X(MR_EADDRINUSE, -98, "address already in use")                            \
    X(MR_EADDRNOTAVAIL, -99, "address not available on this machine")          \
    X(MR_EAFNOSUPPORT, -97, "address family not supported")                    \
    X(MR_EAGAIN, -11, "would block, or no resources for now")                  \
    X(MR_EAI_ADDRFAMILY, -3000, "name has no address of this family")          \
    X(MR_EAI_AGAIN, -3001, "name lookup failed for now")                       \
    X(MR_EAI_BADFLAGS, -3002, "invalid flags for a name lookup")               \
    X(MR_EAI_BADHINTS, -3013, "invalid hints for a name lookup")               \
    X(MR_EAI_CANCELED, -3003, "name lookup canceled")                          \
    X(MR_EAI_FAIL, -3004, "name lookup failed for good")                       \
    X(MR_EAI_FAMILY, -3005, "address family not supported by name lookup")     \
    X(MR_EAI_MEMORY, -3006, "out of memory in a name lookup")                  \
    X(MR_EAI_NODATA, -3007, "name has no address")                             \
    X(MR_EAI_NONAME, -3008, "unknown host or service name")                    \
    X(MR_EAI_OVERFLOW, -3009, "buffer too small for a name lookup")            \
    X(MR_EAI_PROTOCOL, -3014, "unknown protocol in a name lookup")             \
    X(MR_EAI_SERVICE, -3010, "service not available for this socket type")     \
    X(MR_EAI_SOCKTYPE, -3011, "socket type not supported by name lookup")      \
    X(MR_EALREADY, -114, "operation already in progress")                      \
    X(MR_EBADF, -9, "bad or closed file descriptor")                           \
    X(MR_EBUSY, -16, "resource busy")                                          \
    X(MR_ECANCELED, -125, "operation canceled")                                \
    X(MR_ECHARSET, -4080, "invalid Unicode character")                         \
    X(MR_ECONNABORTED, -103, "connection aborted on this side")                \
    X(MR_ECONNREFUSED, -111, "connection refused")                             \
    X(MR_ECONNRESET, -104, "connection reset by peer")                         \
    X(MR_EDESTADDRREQ, -89, "destination address required")                    \
    X(MR_EEXIST, -17, "file or object already exists")                         \
    X(MR_EFAULT, -14, "bad address")                                           \
    X(MR_EFBIG, -27, "file too large")                                         \
    X(MR_EHOSTUNREACH, -113, "no route to host")                               \
    X(MR_EINTR, -4, "interrupted")                                             \
    X(MR_EINVAL, -22, "invalid argument")                                      \
    X(MR_EIO, -5, "input or output failed in the device")                      \
    X(MR_EISCONN, -106, "socket already connected")                            \
    X(MR_EISDIR, -21, "is a directory")                                        \
    X(MR_ELOOP, -40, "too many symbolic links")                                \
    X(MR_EMFILE, -24, "too many open files in this process")                   \
    X(MR_EMSGSIZE, -90, "message too long")                                    \
    X(MR_ENAMETOOLONG, -36, "name too long")                                   \
    X(MR_ENETDOWN, -100, "network is down")                                    \
    X(MR_ENETUNREACH, -101, "network unreachable")                             \
    X(MR_ENFILE, -23, "too many open files in the system")                     \
    X(MR_ENOBUFS, -105, "no buffer space")                                     \
    X(MR_ENODEV, -19, "no such device")                                        \
    X(MR_ENOENT, -2, "no such file or directory")                              \
    X(MR_ENOMEM, -12, "out of memory")                                         \
    X(MR_ENONET, -64, "machine is not on the network")                         \
    X(MR_ENOPROTOOPT, -92, "protocol option not available")                    \
    X(MR_ENOSPC, -28, "no space left on device")                               \
    X(MR_ENOSYS, -38, "not implemented by this system")                        \
    X(MR_ENOTCONN, -107, "socket not connected")                               \
    X(MR_ENOTDIR, -20, "not a directory")                                      \
    X(MR_ENOTEMPTY, -39, "directory not empty")                                \
    X(MR_ENOTSOCK, -88, "not a socket")                                        \
    X(MR_ENOTSUP, -95, "operation not supported")                              \
    X(MR_EOVERFLOW, -75, "value does not fit its type")                        \
    X(MR_EPERM, -1, "operation not permitted")                                 \
    X(MR_EPIPE, -32, "nobody reads the other end")                             \
    X(MR_EPROTO, -71, "protocol error")                                        \
    X(MR_EPROTONOSUPPORT, -93, "protocol not supported")                       \
    X(MR_EPROTOTYPE, -91, "wrong protocol for this socket")                    \
    X(MR_ERANGE, -34, "result out of range")                                   \
    X(MR_EROFS, -30, "read-only file system")                                  \
    X(MR_ESHUTDOWN, -108, "endpoint was shut down")                            \
    X(MR_ESPIPE, -29, "cannot seek")                                           \
    X(MR_ESRCH, -3, "no such process")                                         \
    X(MR_ETIMEDOUT, -110, "deadline passed")                                   \
    X(MR_ETXTBSY, -26, "program file is busy")                                 \
    X(MR_EXDEV, -18, "on another file system")                                 \
    X(MR_UNKNOWN, -4094, "unknown error")                                      \
    X(MR_EOF, -4095, "end of stream")                                          \
    X(MR_ENXIO, -6, "no such device or address")                               \
    X(MR_EMLINK, -31, "too many links")                                        \
    X(MR_EHOSTDOWN, -112, "host is down")                                      \
    X(MR_EREMOTEIO, -121, "input or output failed at the remote end")          \
    X(MR_ENOTTY, -25, "not a terminal, or unknown device request")             \
    X(MR_EFTYPE, -4028, "wrong file type or format")                           \
    X(MR_EILSEQ, -84, "illegal byte sequence")                                 \
    X(MR_ESOCKTNOSUPPORT, -94, "socket type not supported")                    \
    X(MR_EDEADLK, -35, "would wait for itself")
/* clang-format on */

enum mr_error {
#define MR_ERROR_ENUM(name, number, text) name = (number),
    MR_ERROR_MAP(MR_ERROR_ENUM)
#undef MR_ERROR_ENUM
};

MR_BEGIN_DECLS

/* The text of a code: "out of memory". "no error" for a value >= 0, "unknown
 * error" for a negative one not in the table. Static storage; any thread. */
MR_API const char *mr_strerror(int64_t code);

/* The name of a code: "MR_ENOMEM". "MR_OK" for a value >= 0, "MR_UNKNOWN" for
 * a negative one not in the table. Static storage; any thread. */
MR_API const char *mr_error_name(int64_t code);

MR_END_DECLS

#endif
