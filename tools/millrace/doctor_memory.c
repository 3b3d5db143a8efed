/* Pages, guards, and how many stacks they allow. */
#include "doctor.h"
#include "os/pages.h"
#include "os/textfile.h"

/* A mapping for the stack and one for its guard. */
#define MAPPINGS_PER_STACK 2

static void add_guards(report *r)
{
    mri_guard kind = mri_guard_probe();
    report_item(r, "guards", json_string(mri_guard_name(kind)), "%s",
                mri_guard_name(kind));
    switch (kind) {
    case MRI_GUARD_MADVISE:
        report_means(r, "A guard below a stack costs no mapping: memory alone "
                        "limits the number of stacks.");
        break;
    case MRI_GUARD_MPROTECT:
        report_means(r, "The kernel is older than 6.13: a guard splits a "
                        "mapping, and the mappings below limit the number of "
                        "stacks.");
        report_degraded(r);
        break;
    case MRI_GUARD_NONE:
        report_means(r, "Nothing can be made untouchable here: a stack that "
                        "overflows damages what lies beside it.");
        report_degraded(r);
    }
}

static void add_budget(report *r)
{
    int64_t budget = mri_map_budget();
    if (budget < 0) {
        report_failed(r, "mappings", budget);
        return;
    }
    report_item(r, "mappings", json_integer(budget), "%lld left",
                (long long)budget);
    report_means(r,
                 "Of vm.max_map_count. Where guards need mappings: about %lld "
                 "stacks at most.",
                 (long long)(budget / MAPPINGS_PER_STACK));
}

static void add_overcommit(report *r)
{
    mri_text text;
    int64_t mode;
    mri_text_open(&text, NULL);
    int rc = mri_text_read(&text, "/proc/sys/vm/overcommit_memory");
    if (rc < 0) {
        report_failed(r, "overcommit", rc);
    } else if (rc == 0 || !mri_text_number(text.data, &mode)) {
        report_item(r, "overcommit", NULL, "not told");
    } else {
        report_item(r, "overcommit", json_integer(mode), "mode %d", (int)mode);
        if (mode == 2) {
            report_means(r, "The kernel counts the whole of each stack as "
                            "used, touched or not: far fewer stacks.");
            report_degraded(r);
        } else {
            report_means(r, "A stack costs the pages it has touched.");
        }
    }
    mri_text_close(&text);
}

void doctor_memory(report *r)
{
    report_section(r, "memory");
    size_t page = mri_page_size();
    report_item(r, "page", json_integer((json_int_t)page), "%zu bytes", page);
    report_means(r, "A parked strand keeps at least one of them.");
    add_guards(r);
    add_budget(r);
    add_overcommit(r);
}
