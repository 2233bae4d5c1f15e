#include "coordinator/failover/workflow_spool.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/error.h"

namespace dsfailover {
namespace {

WorkflowInstance instance(std::int64_t id) {
    WorkflowInstance one;
    one.id = id;
    one.host = "a:1";
    one.state = static_cast<int>(id % 3 == 0 ? 4 : id % 3);
    if (id % 2) one.command_type = static_cast<int>(id % 7 * 1000 - 1);
    if (id % 3) one.version = std::to_string(id * 1000);
    if (id % 5) one.start_time = parse_stored_time("2026-11-23 05:00:00.123", TimeZone(), 1000);
    if (id % 4 == 0)
        one.restart_time = parse_stored_time("2026-11-23 05:00:01", TimeZone(), 1'000'000);
    return one;
}

void expect_equal(const std::optional<StoredTime>& a, const std::optional<StoredTime>& b) {
    ASSERT_EQ(a.has_value(), b.has_value());
    if (!a) return;
    EXPECT_EQ(a->text, b->text);
    EXPECT_EQ(a->instants.earliest_us, b->instants.earliest_us);
    EXPECT_EQ(a->instants.latest_us, b->instants.latest_us);
}

void expect_returns(std::size_t buffer_bytes, std::int64_t count) {
    WorkflowSpool spool(buffer_bytes);
    for (std::int64_t id = 1; id <= count; ++id) spool.add(instance(id));
    EXPECT_EQ(spool.size(), count);
    std::int64_t expected = 1;
    for (auto page = spool.take(7, "a:1"); !page.empty(); page = spool.take(7, "a:1")) {
        for (const WorkflowInstance& got : page) {
            const WorkflowInstance wanted = instance(expected++);
            EXPECT_EQ(got.id, wanted.id);
            EXPECT_EQ(got.host, wanted.host);
            EXPECT_EQ(got.state, wanted.state);
            EXPECT_EQ(got.command_type, wanted.command_type);
            EXPECT_EQ(got.version, wanted.version);
            expect_equal(got.start_time, wanted.start_time);
            expect_equal(got.restart_time, wanted.restart_time);
        }
    }
    EXPECT_EQ(expected, count + 1);
}

TEST(WorkflowSpool, ReturnsWhatWasAddedInOrder) { expect_returns(1 << 20, 100); }

TEST(WorkflowSpool, ReturnsTheSameThroughItsFile) { expect_returns(256, 10'000); }

TEST(WorkflowSpool, OfNothingReturnsNothing) { expect_returns(16, 0); }

TEST(WorkflowSpool, SaysWhereItsFileCannotBeMade) {
    ::setenv("TMPDIR", "/nowhere", 1);
    WorkflowSpool spool(16);
    EXPECT_THROW(
        {
            try {
                for (int i = 0; i < 10; ++i) spool.add(instance(i + 1));
            } catch (const Error& error) {
                EXPECT_NE(std::string(error.what()).find("TMPDIR"), std::string::npos);
                throw;
            }
        },
        Error);
    ::unsetenv("TMPDIR");
}

}  // namespace
}  // namespace dsfailover
