//! The course of a search, in bounded memory.

use crate::record::CoursePoint;

/// Points that are kept; when there are so many, every two become one.
const MOST: usize = 4_096;

/// The trials of a stream, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Course {
    points: Vec<CoursePoint>,
    /// Trials that make a point; 0 counts as 1.
    each: u64,
    /// Trials in the last point.
    in_last: u64,
}

impl Course {
    /// One more trial.
    pub fn push(&mut self, point: CoursePoint) {
        if let Some(last) = self.points.last_mut()
            && self.in_last < self.each
        {
            *last = joined(*last, point);
            self.in_last += 1;
            return;
        }
        if self.points.len() >= MOST {
            let pairs = self.points.chunks(2);
            self.points = pairs.filter_map(|pair| pair.iter().copied().reduce(joined)).collect();
            self.each = 2 * self.each.max(1);
        }
        self.points.push(point);
        self.in_last = 1;
    }

    /// All of them.
    pub fn into_points(self) -> Vec<CoursePoint> {
        self.points
    }
}

/// Two trials of one stream that follow on each other.
fn joined(one: CoursePoint, next: CoursePoint) -> CoursePoint {
    let duration_ns = one.duration_ns.saturating_add(next.duration_ns);
    let asked = one.asked.max(next.asked);
    CoursePoint { duration_ns, asked, ..one.with(next) }
}

/// The courses of several streams as one, trial by trial.
pub fn merge_courses(courses: Vec<Vec<CoursePoint>>) -> Vec<CoursePoint> {
    let add = |all: Vec<CoursePoint>, one: Vec<CoursePoint>| {
        let asked = |of: CoursePoint, by: CoursePoint| Some(of.asked?.saturating_add(by.asked?));
        let pairs = all.into_iter().zip(one);
        pairs.map(|(of, by)| CoursePoint { asked: asked(of, by), ..of.with(by) }).collect()
    };
    courses.into_iter().reduce(add).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(index: u64) -> CoursePoint {
        CoursePoint {
            start_ns: index * 10,
            duration_ns: 10,
            received: 1,
            sent: Some(1),
            ..CoursePoint::default()
        }
    }

    #[test]
    fn a_long_course_becomes_coarser_and_loses_nothing() {
        let mut course = Course::default();
        for index in 0..20_000 {
            course.push(point(index));
        }
        let points = course.into_points();
        assert!(points.len() <= MOST);
        let mut end = 0;
        for point in &points {
            assert_eq!(point.start_ns, end);
            end += point.duration_ns;
        }
        assert_eq!(end, 200_000);
        assert_eq!(points.iter().map(|point| point.received).sum::<u64>(), 20_000);
    }

    #[test]
    fn the_courses_of_streams_add_up() {
        let one: Vec<_> = (0..3).map(point).collect();
        let merged = merge_courses(vec![one.clone(), one[..2].to_vec()]);
        assert_eq!(merged.len(), 2);
        assert!(merged.iter().all(|point| (point.received, point.sent) == (2, Some(2))));
        assert_eq!(merged[1].duration_ns, 10);
    }
}
