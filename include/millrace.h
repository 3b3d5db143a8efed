/* Millrace: a work-stealing task scheduler with non-blocking I/O under the
 * same await. This header includes all public ones; each also stands alone. */
#ifndef MILLRACE_H
#define MILLRACE_H

#include <millrace/channel.h>
#include <millrace/error.h>
#include <millrace/file.h>
#include <millrace/fork.h>
#include <millrace/future.h>
#include <millrace/inspect.h>
#include <millrace/io.h>
#include <millrace/loop.h>
#include <millrace/machine.h>
#include <millrace/net.h>
#include <millrace/process.h>
#include <millrace/runtime.h>
#include <millrace/scope.h>
#include <millrace/select.h>
#include <millrace/sync.h>
#include <millrace/task.h>
#include <millrace/time.h>
#include <millrace/version.h>

#endif
