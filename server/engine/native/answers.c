/* The answers to a block of applicants that differ in one number and in a decision. */

#include "answers.h"
#include "msgpack.h"
#include "powers.h"
#include "shortest.h"

typedef struct {
    PyObject *head, *mark, *tails;
    int is_json;
    Py_buffer numbers, chosen, powers;
} Given;

static char *put(char *at, const void *text, Py_ssize_t length)
{
    memcpy(at, text, (size_t)length);
    return at + length;
}

static char *put_bytes(char *at, PyObject *bytes)
{
    return put(at, PyBytes_AsString(bytes), PyBytes_Size(bytes));
}

static char *put_packed(char *at, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    *at++ = (char)FLOAT64;
    for (int shift = 56; shift >= 0; shift -= 8)
        *at++ = (char)(bits >> shift);
    return at;
}

/* Return the bytes of the longest tail, -1 with an exception where one is no bytes. */
static Py_ssize_t longest(PyObject *tails)
{
    Py_ssize_t most = 0;
    for (Py_ssize_t i = 0; i < PyTuple_Size(tails); i++) {
        Py_ssize_t length = PyBytes_Size(PyTuple_GetItem(tails, i));
        if (length < 0)
            return -1;
        most = length > most ? length : most;
    }
    return most;
}

static PyObject *write_all(const Given *given, Py_ssize_t count)
{
    Py_ssize_t tail = longest(given->tails);
    if (tail < 0)
        return NULL;
    Py_ssize_t each = PyBytes_Size(given->head) + MOST_TEXT + tail + PyBytes_Size(given->mark);
    PyObject *answers = PyBytes_FromStringAndSize(NULL, count * each);
    char *start = answers ? PyBytes_AsString(answers) : NULL, *at = start;
    for (Py_ssize_t i = 0; at && i < count; i++) {
        double x = ((const double *)given->numbers.buf)[i];
        PyObject *chosen = PyTuple_GetItem(given->tails, ((const int8_t *)given->chosen.buf)[i]);
        at = put_bytes(i ? put_bytes(at, given->mark) : at, given->head);
        at = given->is_json ? write_number(given->powers.buf, x, at) : put_packed(at, x);
        at = at && chosen ? put_bytes(at, chosen) : NULL;
    }
    if (at)
        return _PyBytes_Resize(&answers, at - start), answers;
    Py_XDECREF(answers);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

PyObject *write_answers(PyObject *module, PyObject *args)
{
    (void)module;
    Given given = {0};
    PyObject *answers = NULL;
    if (!PyArg_ParseTuple(args, "SSO!py*y*y*:write_answers", &given.head, &given.mark,
                          &PyTuple_Type, &given.tails, &given.is_json, &given.numbers,
                          &given.chosen, &given.powers))
        return NULL;
    Py_ssize_t count = given.chosen.len;
    if (given.numbers.len != count * 8 || (uintptr_t)given.numbers.buf % 8)
        PyErr_SetString(PyExc_ValueError, "wanted a float64 and an int8 for each answer");
    else if (are_powers(&given.powers))
        answers = write_all(&given, count);
    for (int i = 0; i < 3; i++)
        PyBuffer_Release(&given.numbers + i);
    return answers;
}
