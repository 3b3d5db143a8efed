/* mr_task_name. */
#include <millrace/inspect.h>

#include "sched/worker.h"

#include <string.h>

void mr_task_name(const char *name)
{
    mri_strand *s = mri_strand_self();
    char text[MRI_TASK_NAME] = {0};
    if (!s)
        return;
    if (name)
        strncpy(text, name, sizeof text - 1);
    for (size_t i = 0; i < sizeof text / 8; i++) {
        uint64_t word;
        memcpy(&word, text + 8 * i, sizeof word);
        mri_store_relaxed(&s->shown.name[i], word);
    }
}
