/* What the parts of a dump share: where it goes, and what it has found out.
 *
 * Everything is looked at while it changes: nobody is stopped. Atomic words are
 * read relaxed, each for itself. Plain words of strands and slots, whose memory
 * stays as long as the runtime, are read as they are (mri_dump_look): old or
 * new, but of a whole word. What may be gone is read by the kernel
 * (os/peek.h). Nothing found in any of them is followed as a pointer.
 *
 * Must not know: what the tasks do.
 */
#ifndef MRI_INSPECT_DUMP_H
#define MRI_INSPECT_DUMP_H

#include "base/text.h"
#include "sched/runtime.h"

#include <stdio.h>

/* Of one queue; beyond that they are counted. */
enum { MRI_DUMP_JOBS = 4096 };

enum { MRI_DUMP_NAMES = 128 };

/* Code that was asked for, and what it is called; a thread's own. */
typedef struct mri_dump_name {
    uintptr_t code;
    uint32_t length;
    char text[68];
} mri_dump_name;

/* Of one thread. */
typedef struct mri_dump {
    mr_runtime *rt;
    FILE *out;
    int rc;        /* of the first write that failed */
    int64_t now;   /* when it began */
    mri_text line; /* what is to be written: all of `text` */
    mri_dump_name names[MRI_DUMP_NAMES];
    struct mri_dump_job {
        uintptr_t code, site;
    } jobs[MRI_DUMP_JOBS];
    char text[32768];
} mri_dump;

/* A word that somebody else may just be writing. */
uintptr_t mri_dump_look(const void *word);

/* «, spawned at SITE», if that is known. */
void mri_dump_site(mri_dump *d, uintptr_t site);
/* The name of code. */
void mri_dump_code(mri_dump *d, uintptr_t code);
/* The line is at its end. */
void mri_dump_line(mri_dump *d);

/* Everything that waits to be begun, but children in slots. */
void mri_dump_jobs(mri_dump *d);

/* All of it, to out. 0, MR_ENOMEM, or MR_EIO. */
MRI_CHECKED int mri_dump_all(mr_runtime *rt, FILE *out);

#endif
