/* A program that knows nothing of the library: it loads a plug-in that does,
 * some times over, and goes on without it. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(const char *what)
{
    const char *error = dlerror();
    fprintf(stderr, "%s: %s\n", what, error ? error : "wrong");
    return 1;
}

static int use(const char *path)
{
    int (*answer)(void);
    int64_t (*fib)(int64_t);
    void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!plugin)
        return fail("dlopen");
    *(void **)&answer = dlsym(plugin, "plugin_answer");
    *(void **)&fib = dlsym(plugin, "plugin_fib");
    if (!answer || !fib)
        return fail("dlsym");
    if (answer() < 1 || fib(15) != 610)
        return fail("the plug-in's answer");
    if (dlclose(plugin) != 0)
        return fail("dlclose");
    return 0;
}

static int is_loaded(void)
{
    char line[4096];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    if (!maps)
        return -1;
    while (fgets(line, sizeof line, maps))
        found |= strstr(line, "plugin.so") || strstr(line, "libmillrace");
    fclose(maps);
    return found;
}

/* What it left behind for forks must be gone with it. */
static int fork_once(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        return fail("fork");
    return 0;
}

int main(int argc, char **argv)
{
    for (int i = 0; i < 5; i++)
        if (argc != 2 || use(argv[1]) != 0 || fork_once() != 0)
            return 1;
    if (is_loaded() != 0)
        return fail("the plug-in is still loaded after dlclose");
    puts("loaded, used and unloaded");
}
