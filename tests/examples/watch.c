/* What libuv can do and the library has no call for, a task can wait for all
 * the same: here, until somebody puts a file into a directory. */
#define _GNU_SOURCE
#include <millrace.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

struct watch {
    const char *directory;
    uv_fs_event_t event;
    mr_loop_reply *reply;
    int64_t answer;
};

/* The handle lies in a task's frame: the task goes on when it is closed. */
static void closed(uv_handle_t *handle)
{
    struct watch *w = handle->data;
    mr_loop_answer(w->reply, w->answer);
}

static void end(struct watch *w, int64_t answer)
{
    if (uv_is_closing((uv_handle_t *)&w->event))
        return;
    w->answer = answer;
    uv_close((uv_handle_t *)&w->event, closed);
}

static void changed(uv_fs_event_t *event, const char *name, int events, int rc)
{
    struct watch *w = event->data;
    (void)events;
    if (rc == 0)
        printf("there is a file %s\n", name);
    end(w, rc);
}

static void begin(uv_loop_t *loop, mr_loop_reply *reply, void *arg)
{
    struct watch *w = arg;
    w->reply = reply;
    w->event.data = w;
    uv_fs_event_init(loop, &w->event);
    int rc = uv_fs_event_start(&w->event, changed, w->directory, 0);
    if (rc < 0)
        end(w, rc);
}

/* The task's scope was cut short. */
static void cancel(uv_loop_t *loop, mr_loop_reply *reply, void *arg)
{
    (void)loop;
    (void)reply;
    end(arg, MR_ECANCELED);
}

static int64_t puts_a_file(void *arg)
{
    char path[64];
    mr_sleep(50 * MR_MS);
    snprintf(path, sizeof path, "%s/mill", (const char *)arg);
    FILE *file = fopen(path, "w");
    if (file)
        fclose(file);
    mr_sleep(MR_S); /* the first wait is over by then */
    unlink(path);
    return file ? 0 : MR_EIO;
}

static int64_t watch(char *directory, int64_t deadline)
{
    struct watch w = {.directory = directory};
    mr_scope scope;
    mr_scope_open(&scope, deadline);
    int64_t rc = mr_loop_call(begin, cancel, &w);
    mr_scope_close(&scope);
    return rc;
}

static int64_t root(void *arg)
{
    mr_task writer;
    int64_t rc = watch(arg, mr_after(20 * MR_MS));
    printf("%s, ", rc == MR_ECANCELED ? "nothing yet" : mr_strerror(rc));
    mr_spawn(&writer, puts_a_file, arg);
    rc = watch(arg, mr_after(30 * MR_S));
    int64_t wrote = mr_await(&writer);
    return rc < 0 ? rc : wrote;
}

int main(void)
{
    char directory[] = "/tmp/watch-XXXXXX";
    if (!mkdtemp(directory))
        return EXIT_FAILURE;
    int64_t rc = mr_main(NULL, root, directory);
    rmdir(directory);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", mr_error_name(rc), mr_strerror(rc));
    return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
