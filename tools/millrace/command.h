/* The subcommands of `millrace` and what they return.
 *
 * A subcommand writes its result to stdout, everything else to stderr, and
 * returns an exit status; main.c checks that stdout took it all. `sum` does
 * that itself, and has the exit statuses of coreutils' sha256sum.
 */
#ifndef MILLRACE_COMMAND_H
#define MILLRACE_COMMAND_H

enum exit_status {
    EXIT_WELL = 0,
    EXIT_DEGRADED = 1, /* only where --strict asks for it */
    EXIT_USAGE = 2,
    EXIT_FAILED = 3, /* could not look, or could not write */
};

/* argv[0] is the name of the subcommand. */
int command_doctor(int argc, char **argv);
int command_queens(int argc, char **argv);
int command_sum(int argc, char **argv);

extern const char command_doctor_usage[];
extern const char command_queens_usage[];
extern const char command_sum_usage[];

#endif
