/* What code compiled with -fsanitize=thread calls, and so how unchanged
 * sources tell the checker of their plain accesses. The program is not linked
 * against the sanitizer's run-time library: this file is in its place. */
#include "core/core.h"

#include <string.h>

void __tsan_init(void);
void __tsan_func_entry(void *pc);
void __tsan_func_exit(void);

void __tsan_init(void)
{
}

/* Where a function's frame begins is known from the functions it calls: this
 * one's own frame lies right below the caller's. */
void __tsan_func_entry(void *pc)
{
    struct thread *t = me();
    (void)pc;
    if (t->depth < MAX_DEPTH)
        t->entry[t->depth] = (uintptr_t)__builtin_frame_address(0);
    t->depth++;
}

void __tsan_func_exit(void)
{
    struct thread *t = me();
    t->depth--;
    if (t->depth > 0 && t->depth < MAX_DEPTH)
        plain_leave(t->entry[t->depth], t->entry[t->depth - 1]);
}

#define HOOK(name, bytes, kind)                                                \
    void name(void *addr);                                                     \
    void name(void *addr)                                                      \
    {                                                                          \
        plain_access((uintptr_t)addr, (bytes), (kind),                         \
                     __builtin_return_address(0));                             \
    }

#define HOOKS(bytes)                                                           \
    HOOK(__tsan_read##bytes, bytes, ACCESS_READ)                               \
    HOOK(__tsan_write##bytes, bytes, ACCESS_WRITE)                             \
    HOOK(__tsan_unaligned_read##bytes, bytes, ACCESS_READ)                     \
    HOOK(__tsan_unaligned_write##bytes, bytes, ACCESS_WRITE)                   \
    HOOK(__tsan_volatile_read##bytes, bytes, ACCESS_READ)                      \
    HOOK(__tsan_volatile_write##bytes, bytes, ACCESS_WRITE)

HOOKS(1)
HOOKS(2)
HOOKS(4)
HOOKS(8)
HOOKS(16)

void __tsan_read_range(void *addr, size_t size);
void __tsan_write_range(void *addr, size_t size);

void __tsan_read_range(void *addr, size_t size)
{
    plain_access((uintptr_t)addr, size, ACCESS_READ,
                 __builtin_return_address(0));
}

void __tsan_write_range(void *addr, size_t size)
{
    plain_access((uintptr_t)addr, size, ACCESS_WRITE,
                 __builtin_return_address(0));
}

/* Code under test is compiled with these names in place of the library's,
 * which the compiler does not instrument. */
void *mrm_memset(void *to, int byte, size_t size);
void *mrm_memcpy(void *to, const void *from, size_t size);
void *mrm_memmove(void *to, const void *from, size_t size);

void *mrm_memset(void *to, int byte, size_t size)
{
    plain_access((uintptr_t)to, size, ACCESS_WRITE,
                 __builtin_return_address(0));
    return memset(to, byte, size);
}

void *mrm_memcpy(void *to, const void *from, size_t size)
{
    plain_access((uintptr_t)from, size, ACCESS_READ,
                 __builtin_return_address(0));
    plain_access((uintptr_t)to, size, ACCESS_WRITE,
                 __builtin_return_address(0));
    return memcpy(to, from, size);
}

void *mrm_memmove(void *to, const void *from, size_t size)
{
    plain_access((uintptr_t)from, size, ACCESS_READ,
                 __builtin_return_address(0));
    plain_access((uintptr_t)to, size, ACCESS_WRITE,
                 __builtin_return_address(0));
    return memmove(to, from, size);
}

int mrm_memcmp(const void *a, const void *b, size_t size);

int mrm_memcmp(const void *a, const void *b, size_t size)
{
    plain_access((uintptr_t)a, size, ACCESS_READ, __builtin_return_address(0));
    plain_access((uintptr_t)b, size, ACCESS_READ, __builtin_return_address(0));
    return memcmp(a, b, size);
}

void *model_alloc(size_t size);
void model_free(void *block);

void *model_alloc(size_t size)
{
    return heap_alloc(size);
}

void model_free(void *block)
{
    heap_free(block);
}
