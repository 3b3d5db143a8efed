/* How the program stops. One write(2), so that the message of one thread is
 * not torn by another's, then abort() so that a core file exists. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void mri_fatal(const char *rule, const char *condition, const char *file,
               int line, const char *function)
{
    char text[512];
    int n = snprintf(text, sizeof text, "millrace: %s (%s) at %s:%d in %s\n",
                     rule, condition, file, line, function);
    if (n > 0) {
        size_t len = (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
        /* Nobody is left to tell should stderr be closed as well. */
        ssize_t written MRI_UNUSED = write(STDERR_FILENO, text, len);
    }
    abort();
}
