/* Running the `millrace` command and keeping what it said. */
#ifndef TESTS_TOOLS_COMMAND_H
#define TESTS_TOOLS_COMMAND_H

struct command_result {
    int status; /* exit status; -1: could not run or was killed */
    char out[65536], err[4096];
};

/* `args` ends with NULL and leaves the program's name out. `prepare` (or
 * NULL) runs in the child before the command; false: give up. `out` (or NULL)
 * is a file for its stdout instead of result->out; "" closes it. */
void command_run(struct command_result *result, const char *const *args,
                 int (*prepare)(void *arg), void *arg, const char *out);

#endif
