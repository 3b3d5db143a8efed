/* Finding the directories of our cgroup and its ancestors, and their quotas.
 *
 * Two files tell where they are. /proc/self/cgroup names the group of the
 * process, a path P in the tree of groups. /proc/self/mountinfo names, for
 * each mount, the group R that its mount point shows, which is not the root
 * of the tree where a container has a sub-tree bind-mounted. Both are told
 * relative to the reader's cgroup namespace and begin with "/.." for what
 * lies above it. A mount is of use when R is P or an ancestor of P.
 *
 * Every mount that is of use is read. (Stacked mounts of one hierarchy are
 * not told apart: the paths of the hidden one lead into the one above, to
 * nothing or to ancestors of ours as well.)
 */
#include "os/cgroup.h"

#include "os/sys.h"
#include "os/textfile.h"

#include <millrace/error.h>
#include <string.h>

#define MILLION 1000000

/* What is carried along while looking. */
struct search {
    mri_quota *best;
    mri_text groups;     /* /proc/self/cgroup */
    mri_text mounts;     /* /proc/self/mountinfo */
    mri_text value;      /* a quota file */
    const char *path[3]; /* by version: P inside groups.data; NULL: none */
};

/* One line of mountinfo, cut into its own memory. */
struct mount {
    char *root, *point, *type, *options;
};

/* Whether `word` is one of those in a list such as "cpu,cpuacct". */
static bool has_word(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *s = list; s; s = strchr(s, ',')) {
        s += *s == ',';
        if (strncmp(s, word, len) == 0 && (s[len] == ',' || s[len] == '\0'))
            return true;
    }
    return false;
}

/* Undo mountinfo's \ooo for blanks and backslashes, in place. */
static void unescape(char *s)
{
    char *to = s;
    for (; *s; s++, to++) {
        *to = *s;
        if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' &&
            s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
            *to = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + s[3] - '0');
            s += 3;
        }
    }
    *to = '\0';
}

/* "ID PARENT DEVICE ROOT POINT OPTIONS [OPTIONAL...] - TYPE SOURCE OPTIONS".
 * Fields end at one blank each; SOURCE may be empty. */
static bool parse_mount(char *line, struct mount *out)
{
    strsep(&line, " ");
    strsep(&line, " ");
    strsep(&line, " ");
    out->root = strsep(&line, " ");
    out->point = strsep(&line, " ");
    const char *field = strsep(&line, " ");
    while (field && strcmp(field, "-") != 0)
        field = strsep(&line, " ");
    out->type = strsep(&line, " ");
    strsep(&line, " ");
    out->options = strsep(&line, " ");
    if (!out->options || out->root[0] != '/' || out->point[0] != '/')
        return false;
    unescape(out->root);
    unescape(out->point);
    return true;
}

/* "/.." or "/../..." */
static bool goes_up(const char *path)
{
    return strncmp(path, "/..", 3) == 0 && (path[3] == '/' || !path[3]);
}

static bool only_goes_up(const char *path)
{
    while (goes_up(path))
        path += 3;
    return *path == '\0';
}

/* P relative to R, "" or "/...", or NULL where R is no ancestor of P. Where
 * R lies further above our namespace than P, the names between are not told:
 * "", for R itself is an ancestor nevertheless. */
static const char *below(const char *path, const char *root)
{
    path += strcmp(path, "/") == 0;
    root += strcmp(root, "/") == 0;
    while (goes_up(path) && goes_up(root)) {
        path += 3;
        root += 3;
    }
    if (goes_up(root))
        return only_goes_up(root) ? "" : NULL;
    size_t len = strlen(root);
    if (goes_up(path) || strncmp(path, root, len) != 0)
        return NULL;
    path += len;
    return *path == '/' || *path == '\0' ? path : NULL;
}

/* Take the quota of the directory at point + rel[0..len) if it is tighter. */
static int offer(struct search *s, int version, int64_t quota, int64_t period,
                 const char *point, const char *rel, size_t len)
{
    if (quota <= 0 || period <= 0)
        return 0; /* the kernel writes neither: malformed */
    unsigned __int128 exact =
        ((unsigned __int128)quota * MILLION + (uint64_t)period - 1) /
        (uint64_t)period;
    int64_t ppm = exact > INT64_MAX ? INT64_MAX : (int64_t)exact;
    if (s->best->ppm && s->best->ppm <= ppm)
        return 0;
    size_t head = strlen(point);
    char *path = mri_sys_alloc(head + len + 1);
    if (!path)
        return MR_ENOMEM;
    memcpy(path, point, head);
    memcpy(path + head, rel, len);
    path[head + len] = '\0';
    free(s->best->path);
    *s->best = (mri_quota){.ppm = ppm, .version = version, .path = path};
    return 0;
}

/* A number that fills the rest of the text. */
static bool whole_number(const char *text, int64_t *out)
{
    const char *end = mri_text_number(text, out);
    return end && (*end == '\0' || strcmp(end, "\n") == 0);
}

/* "-1": none. */
static int read_v1(struct search *s, const char *point, const char *rel,
                   size_t len)
{
    int64_t quota, period;
    int rc = mri_text_read(&s->value, "%s%.*s/cpu.cfs_quota_us", point,
                           (int)len, rel);
    if (rc <= 0 || !whole_number(s->value.data, &quota))
        return rc < 0 ? rc : 0;
    rc = mri_text_read(&s->value, "%s%.*s/cpu.cfs_period_us", point, (int)len,
                       rel);
    if (rc <= 0 || !whole_number(s->value.data, &period))
        return rc < 0 ? rc : 0;
    return offer(s, 1, quota, period, point, rel, len);
}

/* "QUOTA PERIOD" or "max PERIOD". The root of the tree has no such file. */
static int read_v2(struct search *s, const char *point, const char *rel,
                   size_t len)
{
    int64_t quota, period;
    int rc = mri_text_read(&s->value, "%s%.*s/cpu.max", point, (int)len, rel);
    if (rc <= 0)
        return rc;
    const char *end = mri_text_number(s->value.data, &quota);
    if (!end || *end != ' ' || !whole_number(end + 1, &period))
        return 0;
    return offer(s, 2, quota, period, point, rel, len);
}

/* From our group up to the mount point, both included. */
static int walk_up(struct search *s, int version, const char *point,
                   const char *rel)
{
    for (size_t len = strlen(rel);;) {
        int rc = version == 1 ? read_v1(s, point, rel, len)
                              : read_v2(s, point, rel, len);
        if (rc < 0 || len == 0)
            return rc;
        while (len > 0 && rel[--len] != '/')
            ;
    }
}

/* 1 or 2; 0: not a mount with the cpu controller. */
static int version_of(const struct mount *mount)
{
    if (strcmp(mount->type, "cgroup2") == 0)
        return 2;
    return strcmp(mount->type, "cgroup") == 0 &&
           has_word(mount->options, "cpu");
}

static int read_mounts(struct search *s)
{
    struct mount mount;
    char *rest = s->mounts.data;
    for (char *line; (line = strsep(&rest, "\n"));) {
        int version = parse_mount(line, &mount) ? version_of(&mount) : 0;
        if (version == 0 || !s->path[version])
            continue;
        const char *rel = below(s->path[version], mount.root);
        int rc = rel ? walk_up(s, version, mount.point, rel) : 0;
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* "ID:CONTROLLERS:PATH"; version 2 is the line with no controllers. */
static void find_paths(struct search *s)
{
    char *rest = s->groups.data;
    for (char *line; (line = strsep(&rest, "\n"));) {
        const char *id = strsep(&line, ":");
        const char *controllers = strsep(&line, ":");
        if (!line || line[0] != '/')
            continue;
        if (strcmp(id, "0") == 0 && controllers[0] == '\0')
            s->path[2] = line;
        else if (has_word(controllers, "cpu"))
            s->path[1] = line;
    }
}

static int look(struct search *s)
{
    int rc = mri_text_read(&s->groups, "/proc/self/cgroup");
    if (rc <= 0)
        return rc;
    find_paths(s);
    rc = mri_text_read(&s->mounts, "/proc/self/mountinfo");
    return rc <= 0 ? rc : read_mounts(s);
}

int mri_quota_open(mri_quota *out, const char *root)
{
    struct search s = {.best = out};
    *out = (mri_quota){.path = NULL};
    mri_text_open(&s.groups, root);
    mri_text_open(&s.mounts, root);
    mri_text_open(&s.value, root);
    int rc = look(&s);
    mri_text_close(&s.value);
    mri_text_close(&s.mounts);
    mri_text_close(&s.groups);
    if (rc < 0)
        mri_quota_close(out);
    return rc;
}

void mri_quota_close(mri_quota *quota)
{
    free(quota->path);
    *quota = (mri_quota){.path = NULL};
}
