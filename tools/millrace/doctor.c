/* `millrace doctor`: what the OS layer finds on this machine and what each
 * finding means for performance. */
#include "doctor.h"

#include "command.h"

#include <string.h>

const char command_doctor_usage[] =
    "usage: millrace doctor [--json] [--strict]\n"
    "\n"
    "Shows what this machine offers to the calling process, and what that\n"
    "means for performance. Measures for a fraction of a second.\n"
    "\n"
    "  --json    for programs\n"
    "  --strict  exit status 1 where something costs performance\n"
    "\n"
    "Exit status: 0 looked; 1 as above; 2 wrong usage; 3 something could not\n"
    "be looked at, or the report could not be written.\n";

struct options {
    bool json, strict, help;
};

static bool parse(struct options *out, int argc, char **argv)
{
    *out = (struct options){.json = false};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            out->json = true;
        } else if (strcmp(argv[i], "--strict") == 0) {
            out->strict = true;
        } else if (strcmp(argv[i], "--help") == 0) {
            out->help = true;
        } else {
            fprintf(stderr,
                    "millrace doctor: %s '%s'; 'millrace help doctor' lists "
                    "the options\n",
                    argv[i][0] == '-' ? "unknown option"
                                      : "unexpected argument",
                    argv[i]);
            return false;
        }
    }
    return true;
}

static int status_of(const report *r, const struct options *options)
{
    if (report_any_failed(r))
        return EXIT_FAILED;
    return options->strict && report_any_degraded(r) ? EXIT_DEGRADED
                                                     : EXIT_WELL;
}

int command_doctor(int argc, char **argv)
{
    struct options options;
    report r;
    if (!parse(&options, argc, argv))
        return EXIT_USAGE;
    if (options.help) {
        fputs(command_doctor_usage, stdout);
        return EXIT_WELL;
    }
    report_open(&r);
    doctor_cpus(&r);
    doctor_sync(&r);
    doctor_memory(&r);
    doctor_fiber(&r);
    doctor_versions(&r);
    bool written = options.json ? report_print_json(&r, stdout)
                                : report_print_text(&r, stdout);
    int status = written ? status_of(&r, &options) : EXIT_FAILED;
    report_close(&r);
    return status;
}
