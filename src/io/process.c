/* Processes of millrace/process.h.
 *
 * How one is waited for: by its pidfd (Linux 5.3), which becomes readable when
 * it ends. So our own epoll serves it like any stream; there is no handler of
 * SIGCHLD, no thread, and what the program does with its signals and its other
 * children is its own. libuv would have one loop thread fork for all, one after
 * the other (a copy of the page tables, which takes long in a large process),
 * and a handler of SIGCHLD for the process. Where there is no pidfd, nothing is
 * started: MR_ENOSYS (5.3 has some of it; waitid knows it since 5.4).
 *
 * How it is started: by posix_spawn, on a thread that may block. It shares the
 * memory (no copy) and has a stack of its own, blocks signals while there are
 * two in one memory, tells in the caller why the program could not be begun,
 * and knows how to put signals back to their defaults. The thread is held until
 * the file was read, which may be a disk's or a network's time; a worker should
 * not be, and none of this has to fit a strand's stack.
 *
 * No descriptor leaks, whoever spawns at the same time: all of ours are
 * close-on-exec from their first moment, dup2 happens in the child alone, and
 * it closes what others have left open from 3 on. Sources are numbers of 3 or
 * more, so that no dup2 overwrites what a later one needs, nor is one of a
 * number to itself, which would leave it close-on-exec.
 *
 * Between its start and its pidfd the number cannot be another's: a child that
 * was not waited for keeps it (but see MR_ESRCH).
 *
 *   own   63 .. 56 55 .... 48 47 .. 40 39 .. 34   33     32    31 ... 0
 *        |   0    |  signal  |  code  |   0    | LOST | ENDED |  pid    |
 * Written under the table's lock, once, by who reaps it; read by anybody. LOST:
 * the system does not say how.
 *
 * Who reaps: waits, under the lock, so that it is asked once and all others
 * find the answer; or, if the handle was closed before, its `end` (handle.h):
 * the last user, or the event.
 *
 * Must not know: what is read and written.
 */
#define _GNU_SOURCE
#include <millrace/process.h>

#include "io/attempt.h"
#include "io/call_process.h"
#include "io/io.h"
#include "io/process_streams.h"
#include <millrace/task.h>

#include <string.h>

#define ENDED (UINT64_C(1) << 32)
#define LOST (UINT64_C(1) << 33)
#define CODE_SHIFT 40
#define SIGNAL_SHIFT 48

/* ---- Its end ------------------------------------------------------------ */

static uint64_t word_of(const siginfo_t *info)
{
    uint64_t status = (uint64_t)info->si_status & 0xff;
    return ENDED |
           status << (info->si_code == CLD_EXITED ? CODE_SHIFT : SIGNAL_SHIFT);
}

/* Under the table's lock. The word; without ENDED it has not yet. */
static uint64_t reap(mri_desc *d)
{
    siginfo_t info;
    uint64_t word = mri_load_relaxed(&d->own);
    if (word & ENDED)
        return word;
    int rc = mri_call_reap(d->fd, &info);
    if (rc == 0)
        return word;
    word |= rc < 0 ? ENDED | LOST : word_of(&info);
    /* Relaxed: the word is all there is to read. */
    mri_store_relaxed(&d->own, word);
    return word;
}

static bool ends(mri_desc *d)
{
    return reap(d) & ENDED;
}

struct wait {
    mri_desc *d;
    mri_lock *lock;
    uint64_t word;
};

static int64_t look(const mri_desc *d, void *arg)
{
    struct wait *w = arg;
    (void)d;
    int fault = mri_fault("waitid");
    if (fault)
        return -fault;
    mri_lock_acquire(w->lock);
    w->word = reap(w->d);
    mri_lock_release(w->lock);
    return w->word & LOST ? MR_ESRCH : w->word & ENDED ? 0 : MR_EAGAIN;
}

int mr_process_wait(mr_handle process, mr_process_end *out)
{
    mri_strand *s;
    struct wait w;
    int rc = mri_attempt_begin(process, MRI_DESC_PROCESS, &s, &w.d);
    if (rc < 0)
        return rc;
    w.lock = &mri_io_of(s->worker->runtime)->handles.lock;
    rc = (int)mri_attempt(s, w.d, MRI_DIR_READ, 0, look, &w);
    if (rc == 0 && out)
        *out = (mr_process_end){.code = (uint8_t)(w.word >> CODE_SHIFT),
                                .signal = (uint8_t)(w.word >> SIGNAL_SHIFT)};
    mri_desc_put(s, w.d);
    return rc;
}

int mr_process_kill(mr_handle process, int signal)
{
    mri_desc *d;
    mri_strand *s = mri_strand_self();
    int rc = mri_desc_get(s, process, MRI_DESC_PROCESS, &d);
    if (rc < 0)
        return rc;
    rc = mri_call_pidfd_signal(d->fd, signal);
    mri_desc_put(s, d);
    return rc;
}

int64_t mr_process_id(mr_handle process)
{
    mri_desc *d;
    mri_strand *s = mri_strand_self();
    int rc = mri_desc_get(s, process, MRI_DESC_PROCESS, &d);
    if (rc < 0)
        return rc;
    int64_t pid = (int64_t)(mri_load_relaxed(&d->own) & UINT32_MAX);
    mri_desc_put(s, d);
    return pid;
}

/* ---- Its start ---------------------------------------------------------- */

struct plan {
    mr_process_options o;
    mri_process_streams streams;
    pid_t pid;
};

static int set_attributes(posix_spawnattr_t *a, const mr_process_options *o)
{
    sigset_t none, all;
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    sigemptyset(&none);
    sigfillset(&all);
    if (o->flags & MR_PROCESS_SESSION)
        flags |= POSIX_SPAWN_SETSID;
    int error = posix_spawnattr_setsigmask(a, &none);
    if (error == 0)
        error = posix_spawnattr_setsigdefault(a, &all);
    if (error == 0)
        error = posix_spawnattr_setflags(a, flags);
    return -error;
}

/* In the child, one after the other. */
static int set_actions(posix_spawn_file_actions_t *a, const struct plan *p)
{
    int error = mri_fault("posix_spawn_file_actions");
    for (int i = 0; i < 3 && error == 0; i++)
        if (p->streams.source[i] >= 0)
            error =
                posix_spawn_file_actions_adddup2(a, p->streams.source[i], i);
    if (error == 0 && !(p->o.flags & MR_PROCESS_INHERIT_ALL))
        error = posix_spawn_file_actions_addclosefrom_np(a, 3);
    if (error == 0 && p->o.cwd)
        error = posix_spawn_file_actions_addchdir_np(a, p->o.cwd);
    return -error;
}

static int spawn_with(struct plan *p, const posix_spawn_file_actions_t *actions,
                      const posix_spawnattr_t *attributes)
{
    const mr_process_options *o = &p->o;
    const char *const alone[] = {o->file, NULL};
    char *const *argv = (char *const *)(o->argv ? o->argv : alone);
    char *const *env = o->env ? (char *const *)o->env : environ;
    return mri_call_spawn(&p->pid, o->file, actions, attributes, argv, env);
}

static int spawn(struct plan *p)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int rc = -posix_spawn_file_actions_init(&actions);
    if (rc < 0)
        return rc;
    rc = set_actions(&actions, p);
    if (rc == 0)
        rc = -posix_spawnattr_init(&attributes);
    if (rc == 0) {
        rc = set_attributes(&attributes, &p->o);
        if (rc == 0)
            rc = spawn_with(p, &actions, &attributes);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

/* Whether the system has what a child is waited for with, and a descriptor is
 * left: it should not be found out when the program runs already. */
static int try_pidfd(void)
{
    siginfo_t info;
    int fd = mri_call_pidfd(getpid());
    if (fd < 0)
        return fd;
    int rc = mri_call_reap(fd, &info); /* no child of ours */
    mri_sys_close(fd);
    return rc == MR_EINVAL ? MR_ENOSYS : 0;
}

/* It has been started in vain. It may have ended, and be reaped, before. */
static void undo(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* On a thread that may block: the pidfd. */
static int64_t starts(void *arg)
{
    struct plan *p = arg;
    int rc = try_pidfd();
    if (rc == 0)
        rc = spawn(p);
    if (rc < 0)
        return rc;
    rc = mri_call_pidfd(p->pid);
    if (rc < 0 && rc != MR_ESRCH)
        undo(p->pid);
    return rc;
}

static int64_t undoes(void *arg)
{
    undo(*(const pid_t *)arg);
    return 0;
}

static mr_handle start(mri_strand *s, struct plan *p)
{
    int rc = mri_process_streams_open(s, p->o.io, &p->streams);
    int64_t pidfd = rc < 0 ? rc : mr_blocking(starts, p);
    mri_process_streams_close_sources(&p->streams);
    if (pidfd < 0)
        return pidfd;
    mr_handle h = mri_desc_open_with(s, (int)pidfd, MRI_DESC_PROCESS, ends,
                                     (uint32_t)p->pid);
    /* Where not even that thread is to be had, this one waits. */
    if (h < 0 && mr_blocking(undoes, &p->pid) < 0)
        undo(p->pid);
    return h;
}

/* Shorter ones are of programs that were built with an older header. */
static int read_options(const mr_process_options *given, struct plan *p,
                        const mr_handle *pipe)
{
    const size_t least =
        offsetof(mr_process_options, flags) + sizeof p->o.flags;
    *p = (struct plan){.o = {.size = 0}};
    if (!given || given->size < least || given->size > sizeof p->o)
        return MR_EINVAL;
    memcpy(&p->o, given, given->size);
    if (!p->o.file ||
        p->o.flags & ~(unsigned)(MR_PROCESS_SESSION | MR_PROCESS_INHERIT_ALL))
        return MR_EINVAL;
    for (int i = 0; i < 3; i++)
        if (p->o.io[i].how == MR_PROCESS_PIPE && !pipe)
            return MR_EINVAL;
    return 0;
}

mr_handle mr_process_spawn(const mr_process_options *options, mr_handle pipe[3])
{
    mri_strand *s;
    struct plan p;
    int rc = mri_caller(&s);
    if (rc == 0)
        rc = mri_cancelable_pass(s);
    if (rc == 0)
        rc = read_options(options, &p, pipe);
    if (rc < 0)
        return rc;
    mr_handle h = start(s, &p);
    if (h < 0)
        mri_process_streams_close_ours(s, &p.streams);
    else if (pipe)
        memcpy(pipe, p.streams.ours, sizeof p.streams.ours);
    return h;
}
