/** What the field knows about water, from published models. */
export * as fao56 from "./fao56.ts";
export {
  COVERAGE_MIN,
  dayOfYear,
  referenceEvapotranspiration,
  type EvapotranspirationTerms,
  type FarmPlace,
  type ReferenceEvapotranspiration,
} from "./reference.ts";
