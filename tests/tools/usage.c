/* `millrace` with wrong arguments, and with nowhere to write. */
#include "command.h"
#include "test.h"

#include <millrace.h>
#include <unistd.h>

static struct command_result result;

static void run(const char *a, const char *b, const char *c)
{
    const char *const args[] = {a, b, c, NULL};
    command_run(&result, args, NULL, NULL, NULL);
}

static int lines(const char *text)
{
    int count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

static void expect_wrong_usage(const char *a, const char *b, const char *c,
                               const char *said)
{
    run(a, b, c);
    EXPECT_EQ(result.status, 2);
    EXPECT_STR(result.out, "");
    EXPECT_MSG(strstr(result.err, said), "stderr is: %s", result.err);
    EXPECT_MSG(strncmp(result.err, "millrace", 8) == 0, "stderr is: %s",
               result.err);
    EXPECT_EQ(lines(result.err), 1);
}

TEST(tools_usage, version_is_the_librarys)
{
    run("--version", NULL, NULL);
    EXPECT_EQ(result.status, 0);
    EXPECT_STR(result.out, "millrace " MR_VERSION_STRING "\n");
    EXPECT_STR(result.err, "");
}

TEST(tools_usage, help_lists_the_subcommands)
{
    static const char *const ways[] = {"help", "--help"};
    for (size_t i = 0; i < 2; i++) {
        run(ways[i], NULL, NULL);
        EXPECT_EQ(result.status, 0);
        EXPECT(strncmp(result.out, "usage: millrace ", 16) == 0);
        EXPECT(strstr(result.out, "\n  doctor "));
    }
}

TEST(tools_usage, help_explains_a_subcommand)
{
    run("help", "doctor", NULL);
    EXPECT_EQ(result.status, 0);
    EXPECT(strstr(result.out, "--strict"));
    run("doctor", "--help", NULL);
    EXPECT_EQ(result.status, 0);
    EXPECT(strstr(result.out, "--strict"));
}

TEST(tools_usage, queens_are_counted)
{
    run("queens", "8", "3");
    EXPECT_EQ(result.status, 0);
    EXPECT(strstr(result.out, "8 queens: 92 ways, 2057 tasks\n"));
    EXPECT(strstr(result.out, "\n3    workers "));
    EXPECT(strstr(result.out, "of this ceiling is reached\n"));
}

TEST(tools_usage, wrong_usage_is_one_sentence_and_status_2)
{
    expect_wrong_usage("queens", "3", NULL, "'3' is not from 4 to 16");
    expect_wrong_usage("queens", "8", "0", "'0' is not from 1 to 1024");
    expect_wrong_usage(NULL, NULL, NULL, "no subcommand");
    expect_wrong_usage("docter", NULL, NULL, "unknown subcommand 'docter'");
    expect_wrong_usage("--json", NULL, NULL, "unknown option '--json'");
    expect_wrong_usage("", NULL, NULL, "unknown subcommand ''");
    expect_wrong_usage("doctor", "--yaml", NULL, "unknown option '--yaml'");
    expect_wrong_usage("doctor", "--json", "now", "argument 'now'");
    expect_wrong_usage("help", "docter", NULL, "unknown subcommand 'docter'");
    expect_wrong_usage("help", "doctor", "x", "unexpected argument 'x'");
    expect_wrong_usage("--version", "x", NULL, "unexpected argument 'x'");
}

TEST(tools_usage, full_disk_is_said_and_is_status_3)
{
    static const char *const args[][3] = {{"doctor", NULL},
                                          {"doctor", "--json", NULL},
                                          {"help", NULL},
                                          {"--version", NULL}};
    if (access("/dev/full", W_OK) != 0)
        SKIP("no /dev/full here");
    for (size_t i = 0; i < 4; i++) {
        command_run(&result, args[i], NULL, NULL, "/dev/full");
        EXPECT_EQ(result.status, 3);
        EXPECT_STR(result.err,
                   "millrace: cannot write to stdout: No space left on "
                   "device\n");
    }
}

TEST(tools_usage, closed_stdout_is_said_and_is_status_3)
{
    static const char *const args[][3] = {
        {"doctor", NULL}, {"doctor", "--json", NULL}, {"--version", NULL}};
    for (size_t i = 0; i < 3; i++) {
        command_run(&result, args[i], NULL, NULL, "");
        EXPECT_EQ(result.status, 3);
        EXPECT(strstr(result.err, "cannot write to stdout: "));
    }
}
