/* The digests that `millrace sum` knows, and computing them with OpenSSL. */
#ifndef MILLRACE_SUM_ALGORITHM_H
#define MILLRACE_SUM_ALGORITHM_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sum_algorithm {
    const char *name, *alias; /* of -a; there may be no alias */
    const char *openssl;      /* name for OpenSSL, which its own lists show */
    const char *tag;          /* of coreutils' --tag */
    size_t size;              /* bytes of a digest */
};
typedef struct sum_algorithm sum_algorithm;

/* NULL: none is called that. */
const sum_algorithm *sum_algorithm_named(const char *name);

/* That a line of the BSD kind begins with: "SHA256", "SHA2-256", "BLAKE2b". */
const sum_algorithm *sum_algorithm_tagged(const char *tag, size_t len);

/* The names, with commas. */
const char *sum_algorithm_list(void);

/* One digest at a time. OpenSSL looks an algorithm up under locks, at a price
 * that small files would feel: what was used last is kept. */
typedef struct sum_digester {
    const sum_algorithm *algorithm;
    EVP_MD *md;
    EVP_MD_CTX *context;
} sum_digester;

/* All zero is closed. Each 0 or a negative code: MR_ENOMEM, MR_ENOTSUP where
 * this OpenSSL has no such digest (a FIPS provider has no MD5), MR_EIO. */
int sum_digester_begin(sum_digester *d, const sum_algorithm *algorithm);
int sum_digester_add(sum_digester *d, const void *data, size_t size);
int sum_digester_end(sum_digester *d, unsigned char *digest);
void sum_digester_close(sum_digester *d);

#endif
