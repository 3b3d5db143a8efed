/* The command line of a program of models.
 *
 *   model_x                     every model at its daily bound
 *   --deep                      at its deep bound, those left out daily too
 *   --only NAME                 models whose name contains NAME
 *   --bound N | --unbounded     instead of a model's own bounds
 *   --random RUNS [--seed S]    sample with random priorities
 *   --seconds S                 give up on a model after S seconds (red)
 *   --replay STRING             run one execution of --only NAME, with trace
 *   --list                      names
 *   --outcomes                  after each model, a line with the set of the
 *                               outcomes it reached: outcomes TEXT TEXT ...
 *   --sites                     after the run, every operation of the
 *                               sources: INDEX FILE:LINE OP ORDER EXECUTIONS
 *   --weaken INDEX:HOW          one operation weakened: a mutant; see mutate.py
 *   --quiet                     verdict only, no traces
 *   --full                      without reductions: slower, the same verdicts
 *   --fail-fast                 stop at the first model that is not as expected
 *
 * Exit status: 0 all as expected; 1 a model is not; 2 usage.
 */
#include "core/core.h"
#include "model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern struct mrm_site __start_mrm_sites[] __attribute__((weak));
extern struct mrm_site __stop_mrm_sites[] __attribute__((weak));

static struct model *models[512];
static unsigned model_count;

static struct {
    const char *only, *replay, *weaken;
    bool deep, list, sites, quiet, fail_fast, random, bounded, unbounded;
    bool outcomes;
    int bound;
} options;

void model_register(struct model *m)
{
    if (model_count == sizeof models / sizeof *models)
        abort();
    models[model_count++] = m;
}

/* ---- Sites and mutants -------------------------------------------------- */

static unsigned site_count(void)
{
    return (unsigned)(__stop_mrm_sites - __start_mrm_sites);
}

static int list_sites(void)
{
    for (unsigned i = 0; i < site_count(); i++) {
        const struct mrm_site *s = &__start_mrm_sites[i];
        printf("%u %s:%d %s%s %s %" PRIu64 "\n", i, s->file, s->line,
               op_name(s->op), s->op == MRM_CAS_WEAK_OP ? "_weak" : "",
               order_name(s->written), s->executions);
    }
    return 0;
}

static bool set_order(struct mrm_site *s, const char *how)
{
    if (strcmp(how, "fail") == 0) {
        s->failure = 1;
        return s->op == MRM_CAS_OP || s->op == MRM_CAS_WEAK_OP;
    }
    for (unsigned order = MRM_NONE; order <= MRM_SEQ_CST; order++)
        if (strcmp(how, order_name(order)) == 0) {
            s->order = (uint8_t)order;
            return true;
        }
    return false;
}

/* "12,13:relaxed": an inlined function stands at several indices. */
static bool weaken(const char *spec)
{
    const char *how = strchr(spec, ':');
    if (!how)
        return false;
    while (spec < how) {
        char *end;
        unsigned long index = strtoul(spec, &end, 10);
        if (end == spec || index >= site_count() ||
            !set_order(&__start_mrm_sites[index], how + 1))
            return false;
        spec = end + 1;
    }
    return true;
}

/* ---- Running ------------------------------------------------------------ */

static void set_bounds(const struct model *m)
{
    struct exploration *x = &exploration;
    int bound = options.deep ? (m->deep_bound ? m->deep_bound : 3)
                             : (m->bound ? m->bound : 2);
    if (options.random) {
        x->mode = MODE_RANDOM;
        return;
    }
    if (options.bounded)
        bound = options.bound;
    x->mode = options.unbounded || bound == MODEL_UNBOUNDED ? MODE_UNBOUNDED
                                                            : MODE_BOUNDED;
    x->bound = bound == MODEL_NO_PREEMPTION ? 0 : bound;
}

static void show_trace(const struct model *m)
{
    char replay[4096];
    replay_string(replay, sizeof replay);
    fprintf(stderr, "trace of %s:\n", m->name);
    replay_last();
    tracing = true;
    explore(m);
    tracing = false;
    replay_end();
    fprintf(stderr, "to see it again: --only %s%s%s%s --replay %s\n", m->name,
            options.weaken ? " --weaken " : "",
            options.weaken ? options.weaken : "",
            exploration.full ? " --full" : "", replay);
}

static void extent(char *out, size_t size)
{
    const struct exploration *x = &exploration;
    if (x->mode == MODE_RANDOM)
        snprintf(out, size, "sampled, seed %" PRIu64, x->seed);
    else if (!x->exhausted)
        snprintf(out, size, "not exhausted");
    else if (x->mode == MODE_UNBOUNDED)
        snprintf(out, size, "exhausted, no bound");
    else
        snprintf(out, size, "exhausted at preemption bound %d", x->bound);
}

static bool verdict(const struct model *m, enum ending ending, char *why,
                    size_t size)
{
    if (m->fails) {
        bool found =
            ending == END_FAILED && strstr(engine_failure(), m->fails) != NULL;
        snprintf(why, size,
                 found ? "found: %s" : "expected \"%s\" and found %s", m->fails,
                 ending == END_FAILED ? engine_failure() : "nothing");
        return found;
    }
    if (ending == END_FAILED) {
        snprintf(why, size, "%s", engine_failure());
        return false;
    }
    extent(why, size);
    if (exploration.mode != MODE_RANDOM && !exploration.exhausted)
        return false;
    if (m->outcomes)
        return outcome_check(m, exploration.mode != MODE_RANDOM, why, size);
    return true;
}

static bool run_model(const struct model *m)
{
    char why[1200];
    const struct exploration *x = &exploration;
    set_bounds(m);
    outcome_reset();
    enum ending ending = explore(m);
    double elapsed = x->elapsed > 0 ? x->elapsed : 1e-9;
    uint64_t executions = x->executions, redundant = x->redundant;
    uint64_t longest = x->longest;
    bool fine = verdict(m, ending, why, sizeof why);
    if (!fine && ending == END_FAILED && !options.quiet) {
        show_trace(m);
        verdict(m, ending, why, sizeof why); /* now with places in the code */
    }
    printf("%-4s %-44s %10" PRIu64 " executions %4" PRIu64
           " steps %8.2f s %8.0f/s  %s",
           fine ? "ok" : "FAIL", m->name, executions - redundant, longest,
           elapsed, (double)executions / elapsed, why);
    if (fine && m->outcomes && !options.random) {
        extent(why, sizeof why);
        printf(" [%s; %s]", m->outcomes, why);
    }
    printf("\n");
    if (options.outcomes)
        outcome_print();
    fflush(stdout);
    return fine;
}

static unsigned passed, failed;

static void run_with_variants(const struct model *m)
{
    if (!m->next)
        *(run_model(m) ? &passed : &failed) += 1;
    while (m->next && !(failed && options.fail_fast) && m->next())
        *(run_model(m) ? &passed : &failed) += 1;
}

static int run_all(void)
{
    for (unsigned i = 0; i < model_count; i++) {
        const struct model *m = models[i];
        if (options.only && !strstr(m->name, options.only))
            continue;
        if (m->deep_only && !options.deep && !options.only)
            continue;
        run_with_variants(m);
        if (failed && options.fail_fast)
            break;
    }
    if (options.sites)
        list_sites();
    else
        printf("%u passed, %u failed\n", passed, failed);
    return failed > 0 || passed == 0;
}

static int replay(void)
{
    for (unsigned i = 0; i < model_count; i++) {
        if (!options.only || strcmp(models[i]->name, options.only) != 0)
            continue;
        if (!replay_parse(options.replay)) {
            fprintf(stderr, "not a replay string: %s\n", options.replay);
            return 2;
        }
        tracing = true;
        enum ending ending = explore(models[i]);
        fprintf(stderr, "%s\n",
                ending == END_FAILED ? engine_failure() : "nothing wrong");
        return ending == END_FAILED;
    }
    fprintf(stderr, "--replay needs --only with the whole name of a model\n");
    return 2;
}

/* ---- Options ------------------------------------------------------------ */

/* A whole number, or the option is refused. */
static bool number(const char *text, uint64_t *out)
{
    char *end;
    *out = strtoull(text, &end, 10);
    return end != text && *end == '\0';
}

static bool take_number(const char *name, uint64_t n)
{
    if (strcmp(name, "--seed") == 0)
        exploration.seed = n;
    else if (strcmp(name, "--random") == 0) {
        options.random = true;
        exploration.runs = n;
    } else if (strcmp(name, "--bound") == 0) {
        options.bounded = true;
        options.bound = (int)n;
    } else
        return false;
    return !options.random || exploration.runs > 0;
}

static bool take_value(const char *name, const char *value)
{
    uint64_t n;
    if (strcmp(name, "--only") == 0)
        options.only = value;
    else if (strcmp(name, "--replay") == 0)
        options.replay = value;
    else if (strcmp(name, "--weaken") == 0)
        options.weaken = value;
    else if (strcmp(name, "--seconds") == 0)
        exploration.seconds = strtod(value, NULL);
    else
        return number(value, &n) && take_number(name, n);
    return true;
}

static bool take_flag(const char *name)
{
    bool *flag = strcmp(name, "--deep") == 0        ? &options.deep
                 : strcmp(name, "--list") == 0      ? &options.list
                 : strcmp(name, "--sites") == 0     ? &options.sites
                 : strcmp(name, "--quiet") == 0     ? &options.quiet
                 : strcmp(name, "--full") == 0      ? &exploration.full
                 : strcmp(name, "--fail-fast") == 0 ? &options.fail_fast
                 : strcmp(name, "--unbounded") == 0 ? &options.unbounded
                 : strcmp(name, "--outcomes") == 0  ? &options.outcomes
                                                    : NULL;
    if (flag)
        *flag = true;
    return flag;
}

static int usage(const char *what)
{
    fprintf(stderr, "unknown or incomplete option: %s\n", what);
    return 2;
}

int main(int argc, char **argv)
{
    exploration.seed = 1;
    for (int i = 1; i < argc; i++) {
        if (take_flag(argv[i]))
            continue;
        if (i + 1 == argc || !take_value(argv[i], argv[i + 1]))
            return usage(argv[i]);
        i++;
    }
    if (options.list) {
        for (unsigned i = 0; i < model_count; i++)
            printf("%s\n", models[i]->name);
        return 0;
    }
    if (options.weaken && !weaken(options.weaken))
        return usage(options.weaken);
    return options.replay ? replay() : run_all();
}
