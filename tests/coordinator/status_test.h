#pragma once

#include "coordinator/world_test.h"

namespace dsfailover {

/// A run of status in the world.
class StatusTest : public WorldTest {
  protected:
    /// A fresh status, which wrote nothing.
    const StatusSection& status() {
        const std::string before = world.snapshot();
        run.status();
        EXPECT_EQ(world.snapshot(), before);
        if (!run.report.status) {
            ADD_FAILURE() << run.said();
            run.report.status.emplace();
        }
        return *run.report.status;
    }
};

}  // namespace dsfailover
