/* Directory walks.
 *
 * A level per directory that the walk is in: its names as the system gave them
 * (struct dirent64), as many as fit into 32 KiB, handed out one after the other
 * where the task runs. One hop to a thread that may block opens a directory,
 * finds out which it is and reads that much; where it was all, it is closed
 * again at once, so that the depth of a tree costs no descriptors, else read on
 * when the names have been handed out.
 *
 * Directories are opened by the path from where the walk began. Who can put a
 * link in the place of a directory further up, while the walk is below, leads
 * it elsewhere; in the place of the one that is opened, not.
 *
 * Must not know: what is done with what is met.
 */
#define _GNU_SOURCE
#include "io/call_file.h"
#include "io/path.h"

#include <millrace/task.h>

#include <string.h>

enum { ROOM = 32768, NAME_ROOM = 1024 };

typedef struct level level;
struct level {
    level *up;
    int fd;          /* where more is to be read, or -1 */
    int error;       /* to be told when its names have been: 0, or why it could
                        not be read on */
    uint32_t depth;  /* of what is in it */
    size_t length;   /* of its own path */
    size_t at, used; /* of `names`: handed out, read */
    size_t room;
    uint64_t device, id;
    MRI_ALIGNED(8) char names[];
};

typedef struct walk {
    mr_runtime *runtime;
    level *level; /* the innermost */
    char *path;   /* of what was met last */
    size_t length, room;
    unsigned flags;
    bool begun;
    bool enter; /* what was met last is a directory and comes next */
} walk;

MRI_STATIC_ASSERT(sizeof(walk) <= sizeof(mr_walk), "mr_walk has room");

static walk *walk_of(mr_walk *w)
{
    return (walk *)(void *)w->opaque;
}

/* ---- The path ----------------------------------------------------------- */

/* Room for `more` bytes behind the first `length`, and a 0. */
static int grow(walk *w, size_t length, size_t more)
{
    if (length + more < w->room)
        return 0;
    size_t room = (length + more) * 2 + 64;
    char *path = mri_runtime_allocate(w->runtime, room, 16);
    if (!path)
        return MR_ENOMEM;
    if (w->path) {
        memcpy(path, w->path, length);
        mri_runtime_release(w->runtime, w->path, w->room);
    }
    w->path = path;
    w->room = room;
    return 0;
}

static void cut(walk *w, size_t length)
{
    w->path[length] = '\0';
    w->length = length;
}

/* Where the name begins that is put behind the first `length`. */
static size_t append(walk *w, size_t length, const char *name, size_t size)
{
    if (w->path[length - 1] != '/')
        w->path[length++] = '/';
    memcpy(w->path + length, name, size);
    cut(w, length + size);
    return length;
}

/* ---- Levels, on a thread that may block --------------------------------- */

/* 1: there may be more; 0: that was all; or a negative code. */
static int read_names(int fd, char *to, size_t room, size_t *used)
{
    while (room - *used >= NAME_ROOM) {
        long n = mri_call_getdents(fd, to + *used, room - *used);
        if (n <= 0)
            return (int)n;
        *used += (size_t)n;
    }
    return 1;
}

/* What reading came to. */
static void settle(level *l, int more)
{
    l->error = more < 0 ? more : 0;
    if (more > 0)
        return;
    mri_sys_close(l->fd);
    l->fd = -1;
}

static bool is_within(const walk *w, const mr_file_info *info)
{
    const level *l = w->level;
    while (l && (l->id != info->id || l->device != info->device))
        l = l->up;
    return l != NULL;
}

static level *new_level(walk *w, const mr_file_info *info, size_t room)
{
    level *l = mri_runtime_allocate(w->runtime, sizeof *l + room, 16);
    if (!l)
        return NULL;
    *l = (level){.up = w->level,
                 .depth = w->level ? w->level->depth + 1 : 1,
                 .length = w->length,
                 .room = room,
                 .device = info->device,
                 .id = info->id};
    return l;
}

static void drop_level(walk *w)
{
    level *l = w->level;
    w->level = l->up;
    if (l->fd >= 0)
        mri_sys_close(l->fd);
    mri_runtime_release(w->runtime, l, sizeof *l + l->room);
}

/* 0: the level is there, and owns fd; or a negative code. */
static int make_level(walk *w, int fd)
{
    mr_file_info info;
    char names[ROOM];
    size_t used = 0;
    int rc = mri_fd_look(fd, &info);
    if (rc == 0 && is_within(w, &info))
        rc = MR_ELOOP;
    if (rc < 0)
        return rc;
    int more = read_names(fd, names, sizeof names, &used);
    if (more < 0 && used == 0)
        return more;
    level *l = new_level(w, &info, more > 0 ? ROOM : used);
    if (!l)
        return MR_ENOMEM;
    memcpy(l->names, names, used);
    l->used = used;
    l->fd = fd;
    settle(l, more);
    w->level = l;
    return 0;
}

static int64_t enters(void *arg)
{
    walk *w = arg;
    bool follow = !w->level || w->flags & MR_WALK_FOLLOW;
    int fd = mri_path_open(w->path,
                           O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_NOCTTY |
                               (follow ? 0 : O_NOFOLLOW),
                           0);
    int rc = fd < 0 ? fd : make_level(w, fd);
    if (fd >= 0 && rc < 0)
        mri_sys_close(fd);
    return rc;
}

static int64_t reads_on(void *arg)
{
    level *l = ((walk *)arg)->level;
    l->at = 0;
    l->used = 0;
    settle(l, read_names(l->fd, l->names, l->room, &l->used));
    return 0;
}

/* ---- What is met -------------------------------------------------------- */

static int meet(const walk *w, mr_walk_entry *out, uint32_t depth, size_t name,
                uint32_t type, int error)
{
    *out = (mr_walk_entry){.path = w->path,
                           .name = w->path + name,
                           .length = w->length,
                           .depth = depth,
                           .type = type,
                           .error = error};
    return 1;
}

/* Where the last name in the path begins. */
static size_t last_name(const walk *w)
{
    const char *slash = memrchr(w->path, '/', w->length);
    return w->level && slash ? (size_t)(slash - w->path) + 1 : 0;
}

/* A directory, again: it could not be read. */
static int meet_error(const walk *w, mr_walk_entry *out, int error)
{
    return meet(w, out, w->level ? w->level->depth : 0, last_name(w),
                MR_TYPE_DIRECTORY, error);
}

static int meet_first(walk *w, mr_walk_entry *out)
{
    mr_file_info info = {.type = MR_TYPE_UNKNOWN};
    int error = mri_path_look(w->path, true, &info);
    w->begun = true;
    w->enter = info.type == MR_TYPE_DIRECTORY;
    return meet(w, out, 0, 0, info.type, error);
}

/* The type that the directory has told may not be what was asked for. */
static int meet_name(walk *w, mr_walk_entry *out, size_t name, uint32_t type)
{
    bool follow = w->flags & MR_WALK_FOLLOW;
    int error = 0;
    if (type == MR_TYPE_UNKNOWN || (follow && type == MR_TYPE_LINK)) {
        mr_file_info info = {.type = type};
        error = mri_path_look(w->path, follow, &info);
        type = info.type;
    }
    w->enter = type == MR_TYPE_DIRECTORY;
    return meet(w, out, w->level->depth, name, type, error);
}

static bool is_dots(const char *name)
{
    return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* 1: *out; 0: there is no name left here; or MR_ENOMEM. */
static int next_name(walk *w, mr_walk_entry *out)
{
    level *l = w->level;
    while (l->at < l->used) {
        const struct dirent64 *d =
            (const struct dirent64 *)(const void *)(l->names + l->at);
        size_t size = strlen(d->d_name);
        int rc = grow(w, l->length, size + 2);
        if (rc < 0)
            return rc;
        l->at += d->d_reclen;
        if (is_dots(d->d_name))
            continue;
        size_t name = append(w, l->length, d->d_name, size);
        return meet_name(w, out, name, mri_type_of_entry(d->d_type));
    }
    return 0;
}

/* It has no names left. 1: it could not be read to its end, which is *out; 0:
 * it is left. */
static int leave(walk *w, mr_walk_entry *out)
{
    int error = w->level->error;
    cut(w, w->level->length);
    drop_level(w);
    return error < 0 ? meet_error(w, out, error) : 0;
}

static int enter(walk *w, mr_walk_entry *out)
{
    int rc = (int)mr_blocking(enters, w);
    if (rc == MR_ENOMEM || rc == MR_EAGAIN)
        return rc;
    w->enter = false;
    return rc < 0 ? meet_error(w, out, rc) : 0;
}

static int step(walk *w, mr_walk_entry *out)
{
    if (!w->begun)
        return meet_first(w, out);
    if (w->enter)
        return enter(w, out);
    int rc = next_name(w, out);
    if (rc != 0)
        return rc;
    if (w->level->fd < 0)
        return leave(w, out);
    return (int)mr_blocking(reads_on, w);
}

/* ---- Public ------------------------------------------------------------- */

int mr_walk_open(mr_walk *out, const char *path, unsigned flags)
{
    mri_strand *s;
    walk *w = walk_of(out);
    int rc = mri_caller(&s);
    if (rc == 0 && (!path || !*path || flags & ~(unsigned)MR_WALK_FOLLOW))
        rc = MR_EINVAL;
    if (rc < 0)
        return rc;
    *w = (walk){.runtime = s->worker->runtime, .flags = flags};
    size_t length = strlen(path);
    rc = grow(w, 0, length + 1);
    if (rc < 0)
        return rc;
    memcpy(w->path, path, length);
    cut(w, length);
    return 0;
}

int mr_walk_next(mr_walk *walk_, mr_walk_entry *out)
{
    mri_strand *s;
    walk *w = walk_of(walk_);
    int rc = mri_caller_begin(&s);
    if (rc < 0)
        return rc;
    mri_turn_take(s, MRI_TURN_SYSTEM);
    while (rc == 0 && (!w->begun || w->enter || w->level))
        rc = step(w, out);
    return rc;
}

void mr_walk_skip(mr_walk *w)
{
    walk_of(w)->enter = false;
}

void mr_walk_close(mr_walk *walk_)
{
    walk *w = walk_of(walk_);
    while (w->level)
        drop_level(w);
    mri_runtime_release(w->runtime, w->path, w->room);
}
