/* The command line of `millrace sum`. */
#include "sum.h"

#include "sum_algorithm.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS_MOST = 1024 };

enum letter {
    QUIET = 256,
    STATUS,
    STRICT,
    WARN,
    IGNORE_MISSING,
    TAG,
    JSON,
    STATS,
    HELP
};

static const struct option known[] = {
    {"algorithm", required_argument, NULL, 'a'},
    {"check", no_argument, NULL, 'c'},
    {"dereference", no_argument, NULL, 'L'},
    {"help", no_argument, NULL, HELP},
    {"ignore-missing", no_argument, NULL, IGNORE_MISSING},
    {"json", no_argument, NULL, JSON},
    {"quiet", no_argument, NULL, QUIET},
    {"stats", no_argument, NULL, STATS},
    {"status", no_argument, NULL, STATUS},
    {"strict", no_argument, NULL, STRICT},
    {"tag", no_argument, NULL, TAG},
    {"warn", no_argument, NULL, WARN},
    {"workers", required_argument, NULL, 'w'},
    {"zero", no_argument, NULL, 'z'},
    {NULL, 0, NULL, 0},
};

static bool wrong(const char *what, const char *argument)
{
    fprintf(stderr, "millrace sum: %s%s%s%s; 'millrace help sum' tells more\n",
            what, argument ? " '" : "", argument ? argument : "",
            argument ? "'" : "");
    return false;
}

static bool set_algorithm(sum_options *o, const char *name)
{
    o->algorithm = sum_algorithm_named(name);
    o->algorithm_given = true;
    if (o->algorithm)
        return true;
    fprintf(stderr, "millrace sum: no algorithm is called '%s'; there are %s\n",
            name, sum_algorithm_list());
    return false;
}

static bool set_workers(sum_options *o, const char *text)
{
    char *end;
    long workers = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || workers < 1 || workers > WORKERS_MOST)
        return wrong("the number of workers is from 1 to 1024, not", text);
    o->workers = (unsigned)workers;
    return true;
}

static bool *flag_of(sum_options *o, int letter)
{
    switch (letter) {
    case 'c':
        return &o->check;
    case 'L':
        return &o->follow;
    case 'z':
        return &o->zero;
    case QUIET:
        return &o->quiet;
    case STATUS:
        return &o->status;
    case STRICT:
        return &o->strict;
    case WARN:
        return &o->warn;
    case IGNORE_MISSING:
        return &o->ignore_missing;
    case TAG:
        return &o->tag;
    case JSON:
        return &o->json;
    case STATS:
        return &o->stats;
    case HELP:
        return &o->help;
    default:
        return NULL;
    }
}

static bool set(sum_options *o, int letter, char **argv)
{
    char name[] = {'-', (char)optopt, '\0'};
    bool *flag = flag_of(o, letter);
    if (flag) {
        *flag = true;
        return true;
    }
    switch (letter) {
    case 'a':
        return set_algorithm(o, optarg);
    case 'w':
        return set_workers(o, optarg);
    case ':':
        return wrong("an argument is missing after", argv[optind - 1]);
    default:
        /* A long option is named as it was written. */
        return wrong("unknown option",
                     optopt > 0 && optopt < 256 ? name : argv[optind - 1]);
    }
}

/* What makes sense only with, or only without --check. */
static bool is_consistent(const sum_options *o)
{
    static const char only[] = "is meaningful only when verifying digests";
    const char *needs_check = o->quiet            ? "--quiet"
                              : o->status         ? "--status"
                              : o->strict         ? "--strict"
                              : o->warn           ? "--warn"
                              : o->ignore_missing ? "--ignore-missing"
                                                  : NULL;
    const char *no_check = o->tag ? "--tag" : o->zero ? "--zero" : NULL;
    if (needs_check && !o->check) {
        fprintf(stderr, "millrace sum: %s %s; 'millrace help sum' tells more\n",
                needs_check, only);
        return false;
    }
    if (no_check && o->check)
        return wrong("--check does not go together with", no_check);
    if (no_check && o->json)
        return wrong("--json does not go together with", no_check);
    return true;
}

bool sum_options_parse(sum_options *options, int argc, char **argv)
{
    static char *standard_input[] = {"-"};
    sum_options o = {.algorithm = sum_algorithm_named("sha256")};
    int letter;
    opterr = 0;
    while ((letter = getopt_long(argc, argv, ":a:cLw:z", known, NULL)) != -1)
        if (!set(&o, letter, argv))
            return false;
    o.paths = optind < argc ? argv + optind : standard_input;
    o.count = optind < argc ? argc - optind : 1;
    *options = o;
    return o.help || is_consistent(&o);
}
