#pragma once

namespace haumea::expr {

// Radians. Outside of the domain NaN.
double Sine(double x);
double Cosine(double x);
double Tangent(double x);
double ArcSine(double x);
double ArcCosine(double x);
double ArcTangent(double x);

}  // namespace haumea::expr
