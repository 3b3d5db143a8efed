/* Version of the headers, and of the library that is linked. */
#ifndef MILLRACE_VERSION_H
#define MILLRACE_VERSION_H

#include <millrace/export.h>

#define MR_VERSION_MAJOR 0
#define MR_VERSION_MINOR 1
#define MR_VERSION_PATCH 0
#define MR_VERSION_STRING "0.1.0"

MR_BEGIN_DECLS

/* The version of the library at run time, "major.minor.patch". It differs
 * from MR_VERSION_STRING when a program runs with another shared library than
 * the one it was compiled against. Static storage; any thread. */
MR_API const char *mr_version(void);

MR_END_DECLS

#endif
