/* See sum_out.h. */
#include "sum_out.h"

#include <errno.h>
#include <millrace.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GATHER = 65536 };

int sum_out_open(sum_out *out)
{
    *out = (sum_out){.lock = PTHREAD_MUTEX_INITIALIZER,
                     .lines = malloc(GATHER),
                     .room = GATHER,
                     .terminal = isatty(STDERR_FILENO)};
    return out->lines ? 0 : MR_ENOMEM;
}

static int write_all(const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDOUT_FILENO, data, len);
        if (n < 0 && errno == EAGAIN) {
            /* Somebody made it non-blocking who shares it. */
            poll(&(struct pollfd){STDOUT_FILENO, POLLOUT, 0}, 1, -1);
            continue;
        }
        if (n < 0 && errno != EINTR)
            return -errno;
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static void put(sum_out *out, const char *data, size_t len)
{
    if (out->error == 0)
        out->error = write_all(data, len);
}

static void flush(sum_out *out)
{
    put(out, out->lines, out->len);
    out->len = 0;
}

void sum_out_write(sum_out *out, const char *lines, size_t len)
{
    pthread_mutex_lock(&out->lock);
    if (len > out->room - out->len)
        flush(out);
    if (len > out->room) {
        put(out, lines, len);
    } else {
        memcpy(out->lines + out->len, lines, len);
        out->len += len;
    }
    pthread_mutex_unlock(&out->lock);
}

int sum_out_flush(sum_out *out)
{
    pthread_mutex_lock(&out->lock);
    flush(out);
    int rc = out->error;
    pthread_mutex_unlock(&out->lock);
    return rc;
}

static void erase(sum_out *out)
{
    if (out->drawn)
        fputs("\r\033[K", stderr);
    out->drawn = false;
}

void sum_out_say(sum_out *out, const char *format, ...)
{
    va_list args;
    pthread_mutex_lock(&out->lock);
    flush(out);
    erase(out);
    fputs("millrace sum: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    fflush(stderr);
    pthread_mutex_unlock(&out->lock);
}

void sum_out_bar(sum_out *out, const char *text)
{
    if (!out->terminal)
        return;
    pthread_mutex_lock(&out->lock);
    erase(out);
    out->drawn = *text != '\0';
    fputs(text, stderr);
    fflush(stderr);
    pthread_mutex_unlock(&out->lock);
}

void sum_out_close(sum_out *out)
{
    free(out->lines);
}
