/* How a public function is declared; for the other public headers. */
#ifndef MILLRACE_EXPORT_H
#define MILLRACE_EXPORT_H

#ifdef __cplusplus
#define MR_BEGIN_DECLS extern "C" {
#define MR_END_DECLS }
#else
#define MR_BEGIN_DECLS
#define MR_END_DECLS
#endif

/* The library hides every symbol that does not carry this mark. */
#if defined(__GNUC__)
#define MR_API __attribute__((visibility("default")))
#else
#define MR_API
#endif

#endif
