/* A shared library of somebody else's that uses this one. */
#include <millrace.h>

int plugin_answer(void);

int plugin_answer(void)
{
    return mr_usable_cpus();
}
