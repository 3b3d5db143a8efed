/* Three strengths of "this must hold".
 *
 *  mri_require  always compiled: a broken contract of the user that leaves
 *               nobody to tell, or an invariant whose loss would corrupt data.
 *  mri_assert   level 1 and up (dev): cheap, on paths that are not hot.
 *  mri_audit    level 2 (sanitizers, models): anything, whole-structure
 *               checks included.
 *
 * All stop the program after naming the rule and the place. None may have
 * side effects in its condition: below its level it is not evaluated.
 */
#ifndef MRI_BASE_ASSERT_H
#define MRI_BASE_ASSERT_H

#include "base/compiler.h"

#ifndef MRI_ASSERT_LEVEL
#define MRI_ASSERT_LEVEL 1
#endif

/* Stop the program: «millrace: RULE (CONDITION) at FILE:LINE in FUNCTION». */
MRI_NORETURN MRI_COLD void mri_fatal(const char *rule, const char *condition,
                                     const char *file, int line,
                                     const char *function);

#define mri_require(cond, rule)                                                \
    (mri_likely(cond)                                                          \
         ? (void)0                                                             \
         : mri_fatal((rule), #cond, __FILE__, __LINE__, __func__))

#if MRI_ASSERT_LEVEL >= 1
#define mri_assert(cond, rule) mri_require(cond, rule)
#else
#define mri_assert(cond, rule) ((void)sizeof((cond) ? 1 : 0))
#endif

#if MRI_ASSERT_LEVEL >= 2
#define mri_audit(cond, rule) mri_require(cond, rule)
#else
#define mri_audit(cond, rule) ((void)sizeof((cond) ? 1 : 0))
#endif

#endif
