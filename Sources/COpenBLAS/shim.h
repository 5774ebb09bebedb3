// OpenBLAS as this package uses it: CBLAS from its own header, LAPACK by its Fortran names.
//
// Debian's libopenblas exports LAPACK without the LAPACKE layer and without a header for it, so the
// routines are declared here. All arguments are passed by address, matrices are column-major,
// integers are 32-bit, and the lengths of character arguments follow hidden at the end.
#ifndef MOEPACK_COPENBLAS_SHIM_H
#define MOEPACK_COPENBLAS_SHIM_H

#include <cblas.h>
#include <stddef.h>

// Single precision.

/// Reduces a symmetric matrix to tridiagonal form.
void ssytrd_(const char *uplo, const int *n, float *a, const int *lda, float *d, float *e,
    float *tau, float *work, const int *lwork, int *info, size_t);

/// All eigenpairs of a tridiagonal matrix by divide and conquer, ascending.
void sstedc_(const char *compz, const int *n, float *d, float *e, float *z, const int *ldz,
    float *work, const int *lwork, int *iwork, const int *liwork, int *info, size_t);

/// Chosen eigenpairs of a tridiagonal matrix by relatively robust representations, ascending.
void sstemr_(const char *jobz, const char *range, const int *n, float *d, float *e, const float *vl,
    const float *vu, const int *il, const int *iu, int *m, float *w, float *z, const int *ldz,
    const int *nzc, int *isuppz, int *tryrac, float *work, const int *lwork, int *iwork,
    const int *liwork, int *info, size_t, size_t);

/// All eigenvalues of a tridiagonal matrix, ascending.
void ssterf_(const int *n, float *d, float *e, int *info);

/// Applies the orthogonal matrix of sytrd.
void sormtr_(const char *side, const char *uplo, const char *trans, const int *m, const int *n,
    const float *a, const int *lda, const float *tau, float *c, const int *ldc, float *work,
    const int *lwork, int *info, size_t, size_t, size_t);

/// Householder QR factorization.
void sgeqrf_(const int *m, const int *n, float *a, const int *lda, float *tau, float *work,
    const int *lwork, int *info);

/// Forms the orthogonal matrix of geqrf.
void sorgqr_(const int *m, const int *n, const int *k, float *a, const int *lda, const float *tau,
    float *work, const int *lwork, int *info);

/// Cholesky factorization.
void spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info, size_t);

/// Singular value decomposition by divide and conquer.
void sgesdd_(const char *jobz, const int *m, const int *n, float *a, const int *lda, float *s,
    float *u, const int *ldu, float *vt, const int *ldvt, float *work, const int *lwork, int *iwork,
    int *info, size_t);

// Double precision.

/// Reduces a symmetric matrix to tridiagonal form.
void dsytrd_(const char *uplo, const int *n, double *a, const int *lda, double *d, double *e,
    double *tau, double *work, const int *lwork, int *info, size_t);

/// All eigenpairs of a tridiagonal matrix by divide and conquer, ascending.
void dstedc_(const char *compz, const int *n, double *d, double *e, double *z, const int *ldz,
    double *work, const int *lwork, int *iwork, const int *liwork, int *info, size_t);

/// Chosen eigenpairs of a tridiagonal matrix by relatively robust representations, ascending.
void dstemr_(const char *jobz, const char *range, const int *n, double *d, double *e,
    const double *vl, const double *vu, const int *il, const int *iu, int *m, double *w, double *z,
    const int *ldz, const int *nzc, int *isuppz, int *tryrac, double *work, const int *lwork,
    int *iwork, const int *liwork, int *info, size_t, size_t);

/// All eigenvalues of a tridiagonal matrix, ascending.
void dsterf_(const int *n, double *d, double *e, int *info);

/// Applies the orthogonal matrix of sytrd.
void dormtr_(const char *side, const char *uplo, const char *trans, const int *m, const int *n,
    const double *a, const int *lda, const double *tau, double *c, const int *ldc, double *work,
    const int *lwork, int *info, size_t, size_t, size_t);

/// Householder QR factorization.
void dgeqrf_(const int *m, const int *n, double *a, const int *lda, double *tau, double *work,
    const int *lwork, int *info);

/// Forms the orthogonal matrix of geqrf.
void dorgqr_(const int *m, const int *n, const int *k, double *a, const int *lda, const double *tau,
    double *work, const int *lwork, int *info);

/// Cholesky factorization.
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t);

#endif
