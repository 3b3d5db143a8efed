/* millrace/file.h: directory walks. */
#define _GNU_SOURCE
#include <millrace.h>

#include "slow.h"
#include "test.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char where[64];

static void run_in_new(mr_fn fn)
{
    for (unsigned workers = 1; workers <= 2; workers++) {
        mr_config config = {.size = sizeof config, .workers = workers};
        strcpy(where, "/var/tmp/millrace-XXXXXX");
        EXPECT(mkdtemp(where) != NULL);
        EXPECT_EQ(mr_main(&config, fn, NULL), 0);
        EXPECT_EQ(rmdir(where), 0);
    }
}

static const char *at(const char *name)
{
    static char path[4][512];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", where, name);
    return path[turn];
}

static void make_file(const char *name)
{
    int fd = open(at(name), O_CREAT | O_WRONLY | O_EXCL, 0600);
    EXPECT(fd >= 0);
    close(fd);
}

static void make_directory(const char *name)
{
    EXPECT_EQ(mkdir(at(name), 0700), 0);
}

/* By a walk: what is met last is removed first. */
static void remove_all(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s/*", where);
    EXPECT_EQ(system(command), 0);
}

/* ---- What is met -------------------------------------------------------- */

/* A line per entry, sorted: depth, type, error, path below `where`. */
static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum { MOST = 200 };

static char *met[MOST];
static int met_count;

static const char *below(const mr_walk_entry *e)
{
    size_t n = strlen(where);
    return strncmp(e->path, where, n) == 0 ? e->path + n : e->path;
}

static void note(const mr_walk_entry *e)
{
    static const char types[] = "?fdlpscb";
    EXPECT(met_count < MOST);
    EXPECT_EQ(e->length, strlen(e->path));
    EXPECT(e->depth == 0 || strcmp(strrchr(e->path, '/') + 1, e->name) == 0);
    EXPECT(asprintf(&met[met_count++], "%u%c%s%s", e->depth, types[e->type],
                    e->error ? mr_error_name(e->error) : "", below(e)) > 0);
}

/* All entries, and their number. Its own comes before what is in it. */
static void walk(const char *path, unsigned flags)
{
    mr_walk w;
    mr_walk_entry e;
    int rc;
    for (int i = 0; i < met_count; i++)
        free(met[i]);
    met_count = 0;
    EXPECT_EQ(mr_walk_open(&w, path, flags), 0);
    while ((rc = mr_walk_next(&w, &e)) == 1)
        note(&e);
    EXPECT_EQ(rc, 0);
    EXPECT_EQ(mr_walk_next(&w, &e), 0);
    mr_walk_close(&w);
}

static void expect_met(const char *const *expected, int n)
{
    qsort(met, (size_t)met_count, sizeof *met, by_text);
    for (int i = 0; i < n && i < met_count; i++)
        EXPECT_STR(met[i], expected[i]);
    EXPECT_EQ(met_count, n);
}

#define EXPECT_MET(...)                                                        \
    do {                                                                       \
        static const char *const expected[] = {__VA_ARGS__};                   \
        expect_met(expected, sizeof expected / sizeof expected[0]);            \
    } while (0)

static void make_tree(void)
{
    make_file("a");
    make_file("new\nline");
    make_directory("d");
    make_file("d/a");
    make_file("d/\xff\x01");
    make_directory("d/e");
    make_directory("d/e/f");
    make_file("d/e/f/z");
    EXPECT_EQ(mkfifo(at("p"), 0600), 0);
    EXPECT_EQ(symlink("d", at("l")), 0);
    EXPECT_EQ(symlink("none", at("m")), 0);
}

static int64_t walks_a_tree(void *arg)
{
    (void)arg;
    make_tree();
    walk(where, 0);
    EXPECT_MET("0d", "1d/d", "1f/a", "1f/new\nline", "1l/l", "1l/m", "1p/p",
               "2d/d/e", "2f/d/a", "2f/d/\xff\x01", "3d/d/e/f", "4f/d/e/f/z");
    return remove_all(), 0;
}

TEST(walk, everything_is_met_once)
{
    run_in_new(walks_a_tree);
}

static int64_t walks_in_order(void *arg)
{
    mr_walk w;
    mr_walk_entry e;
    char open_[8][512];
    int depth = -1;
    (void)arg;
    make_tree();
    EXPECT_EQ(mr_walk_open(&w, where, 0), 0);
    while (mr_walk_next(&w, &e) == 1) {
        EXPECT((int)e.depth <= depth + 1);
        depth = (int)e.depth;
        if (depth > 0) {
            size_t n = strlen(open_[depth - 1]);
            EXPECT(strncmp(e.path, open_[depth - 1], n) == 0);
            EXPECT_EQ(e.path[n], '/');
        }
        strcpy(open_[depth], e.path);
    }
    mr_walk_close(&w);
    return remove_all(), 0;
}

TEST(walk, a_directory_comes_before_what_is_in_it)
{
    run_in_new(walks_in_order);
}

static int64_t begins_elsewhere(void *arg)
{
    (void)arg;
    make_tree();
    walk(at("a"), 0);
    EXPECT_MET("0f/a");
    walk(at("none"), 0);
    EXPECT_MET("0?MR_ENOENT/none");
    walk(at("l"), 0);
    EXPECT_MET("0d/l", "1d/l/e", "1f/l/a", "1f/l/\xff\x01", "2d/l/e/f",
               "3f/l/e/f/z");
    walk(at("d/e//"), 0);
    EXPECT_MET("0d/d/e//", "1d/d/e//f", "2f/d/e//f/z");
    walk(at("p"), 0);
    EXPECT_MET("0p/p");
    return remove_all(), 0;
}

TEST(walk, it_begins_with_what_it_is_given)
{
    run_in_new(begins_elsewhere);
}

static int64_t skips(void *arg)
{
    mr_walk w;
    mr_walk_entry e;
    int n = 0;
    (void)arg;
    make_tree();
    EXPECT_EQ(mr_walk_open(&w, where, 0), 0);
    mr_walk_skip(&w);
    while (mr_walk_next(&w, &e) == 1) {
        n++;
        if (strcmp(e.name, "d") == 0)
            mr_walk_skip(&w);
    }
    EXPECT_EQ(n, 7);
    mr_walk_close(&w);
    EXPECT_EQ(mr_walk_open(&w, where, 0), 0);
    EXPECT_EQ(mr_walk_next(&w, &e), 1);
    mr_walk_skip(&w);
    EXPECT_EQ(mr_walk_next(&w, &e), 0);
    mr_walk_close(&w);
    return remove_all(), 0;
}

TEST(walk, what_is_skipped_is_left_out)
{
    run_in_new(skips);
}

/* ---- Links -------------------------------------------------------------- */

static int64_t follows(void *arg)
{
    (void)arg;
    make_directory("d");
    make_file("d/a");
    EXPECT_EQ(symlink("..", at("d/up")), 0);
    EXPECT_EQ(symlink("d", at("l")), 0);
    EXPECT_EQ(symlink("l/a", at("f")), 0);
    EXPECT_EQ(symlink("none", at("m")), 0);
    EXPECT_EQ(symlink("self", at("self")), 0);
    walk(where, MR_WALK_FOLLOW);
    EXPECT_MET("0d", "1d/d", "1d/l", "1f/f", "1lMR_ELOOP/self", "1lMR_ENOENT/m",
               "2d/d/up", "2d/l/up", "2dMR_ELOOP/d/up", "2dMR_ELOOP/l/up",
               "2f/d/a", "2f/l/a");
    return remove_all(), 0;
}

TEST(walk, loops_of_links_are_named_and_not_walked)
{
    run_in_new(follows);
}

/* ---- What goes wrong ---------------------------------------------------- */

static int64_t vanishes(void *arg)
{
    mr_walk w;
    mr_walk_entry e;
    int errors = 0;
    (void)arg;
    make_directory("gone");
    make_directory("link");
    make_directory("file");
    EXPECT_EQ(mr_walk_open(&w, where, 0), 0);
    while (mr_walk_next(&w, &e) == 1) {
        if (e.error) {
            EXPECT_EQ(e.type, MR_TYPE_DIRECTORY);
            EXPECT_EQ(e.error, e.name[0] == 'g' ? MR_ENOENT : MR_ENOTDIR);
            errors++;
        } else if (e.depth == 1) {
            EXPECT_EQ(rmdir(e.path), 0);
            if (e.name[0] == 'f')
                make_file("file");
            if (e.name[0] == 'l')
                EXPECT_EQ(symlink("/etc", e.path), 0);
        }
    }
    EXPECT_EQ(errors, 3);
    mr_walk_close(&w);
    return remove_all(), 0;
}

TEST(walk, what_vanishes_or_turns_into_something_else_is_named)
{
    run_in_new(vanishes);
}

static int64_t is_cut_short(void *arg)
{
    mr_walk w;
    mr_walk_entry e;
    mr_scope scope;
    (void)arg;
    make_tree();
    EXPECT_EQ(mr_walk_open(&w, where, 0), 0);
    EXPECT_EQ(mr_walk_next(&w, &e), 1);
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_cancel(&scope);
    EXPECT_EQ(mr_walk_next(&w, &e), MR_ECANCELED);
    EXPECT_EQ(mr_scope_close(&scope), MR_ECANCELED);
    EXPECT_EQ(mr_walk_next(&w, &e), 1);
    EXPECT_EQ(e.depth, 1);
    mr_walk_close(&w);
    return remove_all(), 0;
}

TEST(walk, it_may_go_on_after_it_was_cut_short)
{
    run_in_new(is_cut_short);
}

/* ---- Large -------------------------------------------------------------- */

enum { WIDE = 3000, DEEP = 300 };

static int64_t is_wide(void *arg)
{
    static bool seen[WIDE];
    char name[300];
    mr_walk w;
    mr_walk_entry e;
    int n = 0, i;
    (void)arg;
    for (int k = 0; k < 2; k++) {
        make_directory(k ? "x" : "w");
        for (i = 0; i < WIDE; i++) {
            snprintf(name, sizeof name, "%s/%08d%0*d", k ? "x" : "w", i,
                     i % 100 + 1, 0);
            make_file(name);
        }
    }
    memset(seen, 0, sizeof seen);
    EXPECT_EQ(mr_walk_open(&w, where, 0), 0);
    while (mr_walk_next(&w, &e) == 1) {
        if (e.depth != 2)
            continue;
        EXPECT_EQ(sscanf(e.name, "%8d", &i), 1);
        EXPECT(seen[i] == (n >= WIDE));
        seen[i] = n < WIDE;
        EXPECT_EQ(e.type, MR_TYPE_FILE);
        n++;
    }
    EXPECT_EQ(n, 2 * WIDE);
    mr_walk_close(&w);
    return remove_all(), 0;
}

TEST(walk, a_directory_of_thousands_is_met_as_a_whole)
{
    run_in_new(is_wide);
}

/* Deeper than paths and descriptors go. */
static int64_t is_deep(void *arg)
{
    static const char name[] = "a_name_of_some_length_for_a_directory";
    struct rlimit before, few = {64, 64};
    mr_walk w;
    mr_walk_entry e;
    uint32_t deepest = 0;
    (void)arg;
    int up = open(".", O_RDONLY | O_DIRECTORY);
    EXPECT_EQ(chdir(where), 0);
    for (int i = 0; i < DEEP; i++) {
        EXPECT_EQ(mkdir(name, 0700), 0);
        EXPECT_EQ(chdir(name), 0);
    }
    EXPECT_EQ(fchdir(up), 0);
    close(up);
    getrlimit(RLIMIT_NOFILE, &before);
    few.rlim_max = before.rlim_max;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
    EXPECT_EQ(mr_walk_open(&w, where, 0), 0);
    while (mr_walk_next(&w, &e) == 1) {
        EXPECT_EQ(e.error, 0);
        deepest = e.depth;
    }
    EXPECT_EQ(deepest, DEEP);
    EXPECT(e.length > 4096);
    mr_walk_close(&w);
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    return remove_all(), 0;
}

TEST(walk, a_tree_may_be_deeper_than_paths_are_long)
{
    run_in_new(is_deep);
}
