/* `millrace sum`: digests of files and of all below directories. */
#include "sum.h"

#include "command.h"
#include "sum_check.h"
#include "sum_flow.h"
#include "sum_json.h"
#include "sum_lines.h"
#include "sum_progress.h"
#include "sum_walk.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char command_sum_usage[] =
    "usage: millrace sum [OPTION...] [PATH...]\n"
    "\n"
    "Digests of files, in lines that sha256sum -c takes, in a stable order. Of\n"
    "a directory, all regular files below it. Standard input where there is no\n"
    "PATH, or it is '-'.\n"
    "\n"
    "  -a, --algorithm NAME  md5, sha1, sha224, sha256 [sha256], sha384, "
    "sha512,\n"
    "                        sha512-256, sha3-224 (-256, -384, -512),\n"
    "                        blake2b512, blake2s256, sm3\n"
    "  -c, --check           PATHs are lists of digests: verify what they name\n"
    "  -w, --workers N       how many threads [one per usable CPU]\n"
    "  -L, --dereference     follow links below directories, too\n"
    "  -z, --zero            end lines with a 0, escape nothing\n"
    "      --tag             lines as BSD's: SHA256 (NAME) = DIGEST\n"
    "      --json            one JSON object\n"
    "      --stats           where the workers' time went, on stderr\n"
    "with --check:\n"
    "      --ignore-missing  say nothing of files that do not exist\n"
    "      --quiet           nor of those that are as they should be\n"
    "      --status          nor anything: the exit status tells\n"
    "      --strict          fail where a line is no line of a list\n"
    "      --warn            say which\n"
    "\n"
    "Exit status: 0 all is well; 1 something is not: a file could not be read\n"
    "or is not as its list says, a line could not be written, wrong usage.\n";

enum { FAILURE = 1 };

struct sum {
    sum_options options;
    sum_out out;
    sum_stats stats;
    sum_lines lines;
    sum_walk walk;
    sum_check check;
    sum_flow flow;
};

/* ---- The two jobs ---------------------------------------------------------
 */

static bool produce(void *context, sum_flow *flow)
{
    struct sum *s = context;
    return s->options.check ? sum_check_more(&s->check, flow)
                            : sum_walk_more(&s->walk, flow);
}

/* Nobody will read what comes after a line that could not be written. */
static void finish(void *context, sum_flow *flow, sum_item *item)
{
    struct sum *s = context;
    if (s->options.check) {
        sum_check_finish(&s->check, item);
    } else {
        sum_lines_count(&s->lines, item);
        sum_lines_file(&s->lines, item);
    }
    free(item);
    if (s->lines.no_memory)
        sum_flow_stop(flow);
}

static int64_t root(void *arg)
{
    struct sum *s = arg;
    sum_progress progress = {.flow = &s->flow, .out = &s->out};
    mr_scope beside;
    mr_task_name("sum root");
    mr_scope_open(&beside, MR_NEVER);
    mr_scope_go(&beside, sum_progress_run, &progress, 0);
    int64_t rc = sum_flow_run(&s->flow);
    mr_scope_cancel(&beside);
    mr_scope_close(&beside);
    return rc;
}

/* ---- The end --------------------------------------------------------------
 */

static void print_totals(const struct sum *s, mr_runtime *rt)
{
    const sum_totals *t = &s->lines.totals;
    double seconds = (double)s->stats.took * 1e-9;
    char bytes[16], rate[16];
    sum_progress_size(bytes, sizeof bytes, (double)t->bytes);
    sum_progress_size(rate, sizeof rate, (double)t->bytes / seconds);
    fprintf(stderr,
            "%jd files, %s in %.3f s: %.0f files/s, %s/s\n"
            "%jd failed, %jd skipped, %jd changed, %jd directories, %jd links "
            "not followed\n",
            (intmax_t)t->files, bytes, seconds, (double)t->files / seconds,
            rate, (intmax_t)t->failed, (intmax_t)t->skipped,
            (intmax_t)t->changed, (intmax_t)t->directories, (intmax_t)t->links);
    fprintf(stderr,
            "tasks waited %.3f s for files, without a "
            "worker\n",
            sum_stats_parked(&s->stats));
    sum_stats_print(&s->stats, rt);
}

/* All tasks have ended; the runtime is still there. */
static void summarise(struct sum *s, mr_runtime *rt)
{
    sum_stats_stop(&s->stats);
    s->lines.totals.directories = s->walk.directories;
    s->lines.totals.links = s->walk.links;
    if (s->options.json)
        sum_json_end(&s->lines, &s->stats, rt);
    if (s->options.stats && !s->options.json)
        print_totals(s, rt);
}

static int failed(int64_t code)
{
    fprintf(stderr, "millrace sum: %s\n", mr_strerror(code));
    return FAILURE;
}

static int status_of(struct sum *s, int64_t rc)
{
    int written = sum_out_flush(&s->out);
    /* Who reads no more ends us as it would end any other: workers do not get
     * the signal. */
    if (written == MR_EPIPE)
        raise(SIGPIPE);
    if (written < 0) {
        fprintf(stderr, "millrace sum: cannot write to stdout: %s\n",
                strerror(-written));
        return FAILURE;
    }
    if (s->lines.no_memory || s->walk.no_memory || s->check.no_memory)
        rc = MR_ENOMEM;
    if (rc < 0)
        return failed(rc);
    if (s->options.check)
        return sum_check_is_well(&s->check) ? EXIT_WELL : FAILURE;
    return s->lines.totals.failed > 0 ? FAILURE : EXIT_WELL;
}

static int run(struct sum *s)
{
    mr_config config = {.size = sizeof config, .workers = s->options.workers};
    mr_runtime *rt;
    int64_t rc = mr_start(&rt, &config);
    if (rc < 0)
        return failed(rc);
    if (s->options.json)
        sum_json_begin(&s->lines);
    rc = mr_run(rt, root, s);
    summarise(s, rt);
    int stopped = mr_stop(rt, MR_NEVER);
    return status_of(s, rc < 0 ? rc : stopped);
}

static int open_and_run(struct sum *s)
{
    const struct sum_ends ends = {produce, finish, s};
    int64_t rc = sum_out_open(&s->out);
    if (rc < 0)
        return failed(rc);
    rc = sum_stats_open(&s->stats, s->options.stats, s->options.workers);
    if (rc == 0)
        rc = sum_flow_open(&s->flow, &ends, &s->stats, s->options.workers,
                           s->options.follow);
    int status = FAILURE;
    if (rc == 0) {
        sum_lines_open(&s->lines, &s->options, &s->out);
        sum_walk_open(&s->walk, &s->options);
        sum_check_open(&s->check, &s->options, &s->lines);
        status = run(s);
        sum_check_close(&s->check);
        sum_walk_close(&s->walk);
        sum_lines_close(&s->lines);
        sum_flow_close(&s->flow);
    } else {
        failed(rc);
    }
    sum_stats_close(&s->stats);
    sum_out_close(&s->out);
    return status;
}

int command_sum(int argc, char **argv)
{
    struct sum s = {.options = {.count = 0}};
    if (!sum_options_parse(&s.options, argc, argv))
        return FAILURE;
    if (s.options.help)
        return fputs(command_sum_usage, stdout) == EOF || fflush(stdout) != 0
                   ? FAILURE
                   : EXIT_WELL;
    int usable = s.options.workers > 0 ? 0 : mr_usable_cpus();
    if (usable < 0)
        return failed(usable);
    if (usable > 0)
        s.options.workers = (unsigned)usable;
    return open_and_run(&s);
}
