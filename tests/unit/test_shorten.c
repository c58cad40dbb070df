/* Names of functions, short. */
#include <string.h>

#include "base/shorten.h"
#include "support/unit.h"

static void check(const char *name, const char *wanted)
{
    char text[256];
    gs_shorten(name, text, sizeof text);
    assert_string_equal(text, wanted);
}

UNIT_TEST(names_of_c)
{
    check("array_sort", "array_sort");
    check("libc.so.6+0x8f1", "libc.so.6+0x8f1");
    check("memcpy@plt", "memcpy@plt");
    check("<no memory>", "<no memory>");
    check("[unknown]+0x10", "[unknown]+0x10");
    check("", "");
    check("loop.isra.0", "loop.isra.0");
}

UNIT_TEST(names_of_cxx)
{
    check("unsigned long np::qsort_simd::partition<np::Less<double, false>, 8, double>(double*, unsigned long) "
          "[clone .constprop.0]",
          "np::qsort_simd::partition");
    check("std::vector<int, std::allocator<int> >::push_back(int const&)", "std::vector::push_back");
    check("cv::(anonymous namespace)::Filter<float>::run(cv::Mat&) const", "cv::(anonymous namespace)::Filter::run");
    check("void (*pick<int>(bool))(int)", "void (*pick<int>(bool))(int)");
    check("Order::operator()(int, int) const", "Order::operator()");
    check("bool operator< <int>(Box<int> const&, Box<int> const&)", "operator<");
    check("operator new(unsigned long)", "operator new");
    check("std::ostream& std::operator<< <char>(std::ostream&, char)", "std::operator<<");
    check("grpc_core::Party::Run()::{lambda()#1}::operator()() const", "grpc_core::Party::Run");
}

UNIT_TEST(names_of_rust)
{
    check("<rayon_core::latch::LockLatch>::wait_and_reset", "rayon_core::latch::LockLatch::wait_and_reset");
    check("<rayon_core::latch::LockLatch as rayon_core::latch::Latch>::set::<u64>",
          "rayon_core::latch::LockLatch::set");
    check("polars_core::frame::num_groups_proxy::<polars_core::UInt64Type>", "polars_core::frame::num_groups_proxy");
    check("std::thread::spawn::<fn() -> u8, u8>::{closure#0}", "std::thread::spawn::{closure#0}");
    check("<&[u8] as core::fmt::Debug>::fmt", "[u8]::fmt");
    check("<alloc::vec::Vec<T> as core::ops::Drop>::drop", "alloc::vec::Vec::drop");
}

/* Nothing is written behind the end, whatever is not closed. */
UNIT_TEST(hostile_names)
{
    static const char *const names[] = {"<<<<<<::",    "a<b",  "a::<",        "((((", "<a as ", "operator",
                                        "x operator<", "> ->", "a b<c(d[e{f", "<::>", "< >::",  "<& as >::"};
    char text[8 + 1];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (size_t size = 0; size <= 8; size++) {
            memset(text, '#', sizeof text);
            gs_shorten(names[i], text, size);
            assert_int_equal(text[size], '#');
            assert_true(size == 0 || memchr(text, '\0', size));
        }
    }
}

UNIT_TEST(names_of_python)
{
    char room[GS_CALLED];
    assert_string_equal(gs_called("get", "Session.get", false, room), "Session.get");
    assert_string_equal(gs_called("app", "wrap.<locals>.outer.<locals>.app", false, room), "app");
    assert_string_equal(gs_called("run", "make.<locals>.Job.run", false, room), "Job.run");
    assert_string_equal(gs_called("<lambda>", "f.<locals>.<lambda>", false, room), "<lambda>");
    assert_string_equal(gs_called("get", NULL, false, room), "get");
    assert_string_equal(gs_called("get", "", false, room), "get");
    assert_string_equal(gs_called("get", "<locals>.", false, room), "get");
    assert_string_equal(gs_called("operator<<<char>(int)", NULL, true, room), "operator<<");
}
