/* Runtimes of a service that has threads of its own: two of them side by side,
 * with memory from an allocator that counts, entered from outside and stopped
 * in time. */
#include <millrace.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { JOBS = 100 };

/* ---- Whose memory ------------------------------------------------------- */

static void *allocates(void *context, size_t size, size_t align)
{
    atomic_long *held = context;
    size_t whole = (size + align - 1) / align * align;
    void *memory = aligned_alloc(align, whole);
    if (memory)
        atomic_fetch_add(held, (long)size);
    return memory;
}

static void releases(void *context, void *memory, size_t size)
{
    atomic_long *held = context;
    atomic_fetch_sub(held, (long)size);
    free(memory);
}

/* ---- What runs ---------------------------------------------------------- */

struct service {
    mr_runtime *rt;
    atomic_long held;
    atomic_int done;
};

/* A job: what it gets is a copy, so who submits may go. */
static int64_t job(void *arg)
{
    struct service *service = *(struct service **)arg;
    if (mr_self() == service->rt)
        atomic_fetch_add(&service->done, 1);
    return 0;
}

/* A library that knows nothing of tasks, and blocks its thread. */
static int64_t blocks(void *arg)
{
    (void)arg;
    return mr_self() == NULL ? getenv("HOME") != NULL : MR_EPROTO;
}

static int64_t question(void *arg)
{
    struct service *service = arg;
    mr_yield(); /* a long computation lets others run now and then */
    int64_t rc = mr_blocking(blocks, NULL);
    return rc < 0 ? rc : (int64_t)mr_workers(service->rt);
}

/* ---- From outside ------------------------------------------------------- */

static int64_t begins(struct service *service, unsigned workers)
{
    mr_config config = {.size = sizeof config,
                        .workers = workers,
                        .stack_size = 64 << 10,
                        .allocate = allocates,
                        .release = releases,
                        .context = &service->held};
    return mr_start(&service->rt, &config);
}

static int64_t uses(struct service *service, unsigned workers)
{
    int64_t rc = 0;
    for (int i = 0; i < JOBS && rc == 0; i++)
        rc = mr_submit(service->rt, job, &service, sizeof service);
    int64_t said = mr_run(service->rt, question, service); /* waits for it */
    if (rc < 0 || said < 0)
        return rc < 0 ? rc : said;
    return said == workers ? 0 : MR_EPROTO;
}

/* Everything that was submitted has ended then; what has not by the deadline is
 * named by mr_dump, and mr_stop may be called again. */
static int64_t ends(struct service *service)
{
    int rc = mr_stop(service->rt, mr_after(30 * MR_S));
    if (rc == MR_ETIMEDOUT)
        mr_dump(service->rt, stderr);
    if (rc < 0)
        return rc;
    return service->done == JOBS && service->held == 0 ? 0 : MR_EPROTO;
}

int main(void)
{
    static struct service a, b;
    int64_t rc = begins(&a, 2);
    if (rc == 0 && (rc = begins(&b, 1)) < 0)
        ends(&a);
    if (rc == 0) {
        rc = uses(&a, 2);
        int64_t used = uses(&b, 1), ended = ends(&a), last = ends(&b);
        rc = rc < 0 ? rc : used < 0 ? used : ended < 0 ? ended : last;
    }
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", mr_error_name(rc), mr_strerror(rc));
        return EXIT_FAILURE;
    }
    printf("2 runtimes, %d jobs each, all memory given back\n", JOBS);
    return EXIT_SUCCESS;
}
