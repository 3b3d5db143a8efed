/* The `millrace` command: finds the subcommand and checks that stdout took
 * everything. */
#include "command.h"

#include <errno.h>
#include <millrace.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary, *usage;
    bool writes; /* to stdout by itself, and tells what became of it */
} commands[] = {
    {"doctor", command_doctor,
     "what this machine offers, and what that means for performance",
     command_doctor_usage, false},
    {"queens", command_queens, "how well it computes in parallel, measured",
     command_queens_usage, false},
    {"sum", command_sum, "digests of files and whole trees, in parallel",
     command_sum_usage, true},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int wrong_usage(const char *what, const char *name)
{
    fprintf(stderr, "millrace: %s '%s'; 'millrace help' lists what there is\n",
            what, name);
    return EXIT_USAGE;
}

static void print_usage(FILE *to)
{
    fprintf(to, "usage: millrace SUBCOMMAND [OPTION...]\n"
                "       millrace --version\n"
                "       millrace help [SUBCOMMAND]\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
}

static int help(int argc, char **argv)
{
    if (argc > 2)
        return wrong_usage("unexpected argument", argv[2]);
    if (argc < 2) {
        print_usage(stdout);
        return EXIT_WELL;
    }
    const struct command *command = find(argv[1]);
    if (!command)
        return wrong_usage("unknown subcommand", argv[1]);
    fputs(command->usage, stdout);
    return EXIT_WELL;
}

/* A report cut short by a full disk must not pass for a report. */
static int flush(int status)
{
    errno = 0;
    int broken = ferror(stdout);
    if ((fclose(stdout) == 0 && !broken) || status == EXIT_USAGE)
        return status;
    fprintf(stderr, "millrace: cannot write to stdout: %s\n",
            errno ? strerror(errno) : "an earlier write failed");
    return EXIT_FAILED;
}

static int run(int argc, char **argv)
{
    const struct command *command = argc > 1 ? find(argv[1]) : NULL;
    if (command) {
        int status = command->run(argc - 1, argv + 1);
        return command->writes ? status : flush(status);
    }
    if (argc < 2) {
        fprintf(stderr,
                "millrace: no subcommand; 'millrace help' lists them\n");
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0 && argc == 2) {
        printf("millrace %s\n", mr_version());
        return flush(EXIT_WELL);
    }
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0)
        return flush(help(argc - 1, argv + 1));
    if (strcmp(name, "--version") == 0)
        return wrong_usage("unexpected argument", argv[2]);
    return wrong_usage(name[0] == '-' ? "unknown option" : "unknown subcommand",
                       name);
}

int main(int argc, char **argv)
{
    /* What a subcommand says fits: one write, at the end, whose errno is at
     * hand. */
    static char buffer[1 << 16];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    return run(argc, argv);
}
