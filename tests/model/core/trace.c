/* What happened, in words: names of places and threads, and the trace of a
 * failing execution. Silent while the search runs. */
#define _GNU_SOURCE /* dladdr */
#include "core/core.h"
#include "model.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAMES = 128 };

bool tracing;

static struct {
    uintptr_t addr;
    size_t size;
    const char *text;
} names[MAX_NAMES];
static unsigned name_count;

void trace_reset(void)
{
    name_count = 0;
}

void trace_name(uintptr_t addr, size_t size, const char *text)
{
    if (name_count == MAX_NAMES)
        return; /* the rest goes by address */
    names[name_count].addr = addr;
    names[name_count].size = size;
    names[name_count++].text = text;
}

void model_name(const void *addr, size_t size, const char *name)
{
    trace_name((uintptr_t)addr, size, name);
}

const char *trace_place(uintptr_t addr)
{
    static char ring[8][96];
    static unsigned turn;
    char *text = ring[turn++ & 7];
    for (unsigned i = name_count; i-- > 0;) {
        size_t offset = addr - names[i].addr;
        if (offset == 0)
            return names[i].text;
        if (offset < names[i].size) {
            snprintf(text, sizeof ring[0], "%s+%zu", names[i].text, offset);
            return text;
        }
    }
    bool gone;
    int stack = engine_stack_of(addr, &gone);
    if (stack >= 0)
        snprintf(text, sizeof ring[0], "%#jx on the stack of %s",
                 (uintmax_t)addr, trace_thread((unsigned)stack));
    else
        snprintf(text, sizeof ring[0], "%#jx", (uintmax_t)addr);
    return text;
}

const char *trace_thread(unsigned thread)
{
    static const char *const text[MAX_THREADS] = {
        "setup",    "thread 0", "thread 1", "thread 2",
        "thread 3", "thread 4", "thread 5", "thread 6"};
    return text[thread];
}

/* binutils is where a compiler is; without it, the bare address is shown. */
static bool resolve(const void *pc, char *out, size_t size)
{
    Dl_info info;
    char command[600];
    if (!dladdr(pc, &info) || !info.dli_fname)
        return false;
    uintptr_t offset = (uintptr_t)pc - (uintptr_t)info.dli_fbase - 1;
    snprintf(command, sizeof command, "addr2line -s -e '%s' %#jx 2>/dev/null",
             info.dli_fname, (uintmax_t)offset);
    FILE *pipe = popen(command, "r");
    if (!pipe)
        return false;
    bool ok = fgets(out, (int)size, pipe) && out[0] != '?';
    pclose(pipe);
    out[strcspn(out, " \n")] = '\0';
    return ok;
}

const char *trace_code(const void *pc)
{
    static char ring[4][96];
    static unsigned turn;
    char *text = ring[turn++ & 3];
    if (!tracing || !resolve(pc, text, sizeof ring[0]))
        snprintf(text, sizeof ring[0], "%p", pc);
    return text;
}

void trace(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "  %4u %-9s ", engine.steps, trace_thread(engine.current));
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

const char *op_name(unsigned op)
{
    static const char *const text[] = {"load", "store", "swap",  "add",
                                       "sub",  "or",    "and",   "cas",
                                       "cas",  "fence", "light", "heavy"};
    return text[op];
}

const char *order_name(unsigned order)
{
    static const char *const text[] = {"none",    "relaxed", "acquire",
                                       "release", "acq_rel", "seq_cst"};
    return text[order];
}
