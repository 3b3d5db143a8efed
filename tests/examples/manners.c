/* Any call that waits, in three manners, from the same code: awaited, as a
 * future, with a callback. What is called is a function of the caller's; what
 * it needs is in a struct, and so is what it gives beyond a number. */
#include <millrace.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* mr_read, as a function of one argument. */
struct reading {
    mr_handle stream;
    char text[16];
};

static int64_t reads(void *arg)
{
    struct reading *r = arg;
    return mr_read(r->stream, r->text, sizeof r->text);
}

/* 1. Awaited: it is a call. The task parks, its core goes on with others. */
static int64_t awaited(struct reading *r)
{
    return reads(r);
}

/* 2. As a future: it is begun here, and its value wanted later. *r is borrowed
 * until then; it is in the frame of root, which nobody cuts short. */
static int64_t as_a_future(struct reading *r)
{
    mr_future *size = mr_async(reads, r, 0); /* r itself, not a copy */
    /* Something else could be done here. */
    return mr_get(size);
}

/* 3. With a callback: called in a task of its own, when it is done. What it
 * writes to is in this frame, which is left before if root is cut short. */
struct heard {
    int64_t size;
    mr_event event;
};

static void hears(int64_t size, void *arg)
{
    struct heard *heard = arg;
    heard->size = size;
    mr_event_set(&heard->event);
}

static int64_t with_a_callback(struct reading *r)
{
    struct heard heard = {0, MR_EVENT_INIT};
    int rc = mr_on(mr_async(reads, r, 0), hears, &heard);
    if (rc < 0)
        return rc;
    mr_event_wait(&heard.event);
    return heard.size;
}

static int64_t root(void *arg)
{
    static int64_t (*const manner[])(struct reading *) = {awaited, as_a_future,
                                                          with_a_callback};
    mr_handle pipe[2];
    (void)arg;
    int64_t rc = mr_pipe_open(pipe);
    if (rc < 0)
        return rc;
    struct reading r = {pipe[0], ""};
    for (int i = 0; i < 3 && rc >= 0; i++) {
        rc = mr_write(pipe[1], "mill", 4);
        if (rc >= 0)
            rc = manner[i](&r);
        if (rc >= 0 && (rc != 4 || memcmp(r.text, "mill", 4) != 0))
            rc = MR_EPROTO;
    }
    mr_close(pipe[0]);
    mr_close(pipe[1]);
    return rc < 0 ? rc : 0;
}

int main(void)
{
    int64_t rc = mr_main(NULL, root, NULL);
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", mr_error_name(rc), mr_strerror(rc));
        return EXIT_FAILURE;
    }
    printf("the same in three manners\n");
    return EXIT_SUCCESS;
}
